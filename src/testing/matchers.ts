// The checks as custom matchers of Jest, Vitest and whatever else has `expect.extend`. `posthorn/testing/vitest` and
// `posthorn/testing/jest` add them when they are imported, with their types.
import * as checks from './checks.ts'
import type { CheckResult } from './checks.ts'
import { type AuthenticationOptions, toPassDkim, toPassDmarc, toPassSpf } from './authentication.ts'
import { isMail, type Mail } from './message.ts'
import type { MailMatch, TextMatch } from './match.ts'

/** What `expect.extend` wants: `message` is read of the outcome that is not wished for. */
export interface MatcherResult {
  readonly pass: boolean
  readonly message: () => string
}

/** What `expect(mail)` can do with them; `R` is what the framework's own matchers return. */
export interface MailMatchers<R = unknown> {
  toHaveSubject(wanted: TextMatch): R
  toBeFrom(wanted: TextMatch): R
  toBeAddressedTo(wanted: TextMatch): R
  toContainText(wanted: TextMatch): R
  toContainHtml(wanted: TextMatch): R
  toHaveLink(wanted: TextMatch): R
  toHaveAttachment(wanted: TextMatch): R
  toHaveHeader(name: string, wanted?: TextMatch): R
  toMatchMail(match: MailMatch): R
  toHaveOneClickUnsubscribe(): R
  toPassDkim(options: AuthenticationOptions & { readonly domain?: string }): Promise<R>
  toPassSpf(options: AuthenticationOptions): Promise<R>
  toPassDmarc(options: AuthenticationOptions): Promise<R>
}

type Check = (mail: Mail, ...rest: never[]) => CheckResult | Promise<CheckResult>

const all: Record<keyof MailMatchers, Check> = { ...checks, toPassDkim, toPassSpf, toPassDmarc }

function matcherOf(name: string, check: Check) {
  return (received: unknown, ...rest: unknown[]): MatcherResult | Promise<MatcherResult> => {
    if (!isMail(received)) {
      return {
        pass: false,
        message: () => `${name} is for messages of an inbox, not for ${String(received)}.`,
      }
    }
    // The frameworks' types gave the arguments, which are those of the check.
    const outcome = check(received, ...(rest as never[]))
    return outcome instanceof Promise ? outcome.then(matcherResult) : matcherResult(outcome)
  }
}

function matcherResult({ pass, message }: CheckResult): MatcherResult {
  return { pass, message: () => message }
}

/** For `expect.extend(mailMatchers)`. */
export const mailMatchers: Record<
  keyof MailMatchers,
  (received: unknown, ...rest: unknown[]) => MatcherResult | Promise<MatcherResult>
> = {
  toHaveSubject: matcherOf('toHaveSubject', all.toHaveSubject),
  toBeFrom: matcherOf('toBeFrom', all.toBeFrom),
  toBeAddressedTo: matcherOf('toBeAddressedTo', all.toBeAddressedTo),
  toContainText: matcherOf('toContainText', all.toContainText),
  toContainHtml: matcherOf('toContainHtml', all.toContainHtml),
  toHaveLink: matcherOf('toHaveLink', all.toHaveLink),
  toHaveAttachment: matcherOf('toHaveAttachment', all.toHaveAttachment),
  toHaveHeader: matcherOf('toHaveHeader', all.toHaveHeader),
  toMatchMail: matcherOf('toMatchMail', all.toMatchMail),
  toHaveOneClickUnsubscribe: matcherOf('toHaveOneClickUnsubscribe', all.toHaveOneClickUnsubscribe),
  toPassDkim: matcherOf('toPassDkim', all.toPassDkim),
  toPassSpf: matcherOf('toPassSpf', all.toPassSpf),
  toPassDmarc: matcherOf('toPassDmarc', all.toPassDmarc),
}
