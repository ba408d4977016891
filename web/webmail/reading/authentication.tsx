// Who vouches for a message, in plain words. What the topmost Authentication-Results says is ours; others came with the message.
import type { JSX } from 'preact'
import type { FullEmail } from '../../shared/jmap/types.ts'
import { explainAuthentication, type AuthVerdict } from '../../shared/mail/auth-results.ts'
import { Badge } from '../../shared/ui/badge.tsx'
import { Icon } from '../../shared/ui/icon.tsx'

export function verdictsOf(email: FullEmail): AuthVerdict[] {
  const field = email.headers.find(({ name }) => name.toLowerCase() === 'authentication-results')
  return field === undefined ? [] : explainAuthentication(field.value)
}

/** One line under the addresses. */
export function AuthenticationNote({ email }: { email: FullEmail }): JSX.Element | null {
  const verdicts = verdictsOf(email)
  if (verdicts.length === 0) return null
  const bad = verdicts.some(({ tone }) => tone === 'bad')
  return (
    <p class="row row-wrap">
      <Icon name={bad ? 'warn' : 'shield'} class={bad ? 'is-bad' : 'is-good'} />
      {verdicts.map(({ method, result, tone, text }, index) => (
        <Badge key={index} tone={tone} title={text}>
          {method} {result}
        </Badge>
      ))}
    </p>
  )
}

export function AuthenticationTable({ email }: { email: FullEmail }): JSX.Element {
  const verdicts = verdictsOf(email)
  if (verdicts.length === 0) {
    return (
      <p class="faint">Nothing was checked: the message was written here, or came before checks were made.</p>
    )
  }
  return (
    <ul role="list" class="stack stack-s">
      {verdicts.map(({ method, result, tone, text }, index) => (
        <li key={index} class="row">
          <Badge tone={tone}>
            {method} {result}
          </Badge>
          <span>{text}</span>
        </li>
      ))}
    </ul>
  )
}
