// The checks for `node:test` and whatever else has no matchers: each throws an AssertionError that says what is there instead.
import { AssertionError } from 'node:assert'
import { type MailMatchers, mailMatchers } from './matchers.ts'
import type { Mail } from './message.ts'

export interface MailExpectation extends MailMatchers<void> {
  /** The contrary of each. */
  readonly not: MailMatchers<void>
}

/** `expectMail(mail).toHaveSubject(/code/)`. */
export function expectMail(mail: Mail): MailExpectation {
  return { ...bound(mail, { wanted: true }), not: bound(mail, { wanted: false }) }
}

function bound(mail: Mail, { wanted }: { wanted: boolean }): MailMatchers<void> {
  const checks = Object.entries(mailMatchers).map(([name, matcher]) => {
    const check = (...rest: unknown[]): void | Promise<void> => {
      const outcome = matcher(mail, ...rest)
      const judge = ({ pass, message }: Awaited<typeof outcome>): void => {
        if (pass === wanted) return
        throw new AssertionError({ message: message(), operator: name, stackStartFn: check })
      }
      return outcome instanceof Promise ? outcome.then(judge) : judge(outcome)
    }
    return [name, check]
  })
  // Of the same names as `mailMatchers`, whose type says so.
  return Object.fromEntries(checks) as MailMatchers<void>
}
