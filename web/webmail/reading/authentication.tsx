// Who vouches for a message, in plain words, as the server finds it when somebody looks: by where the message came from, and by DNS.
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import type { Email, Id } from '../../shared/jmap/types.ts'
import { type AuthResult, explainAuthentication } from '../../shared/mail/auth-results.ts'
import { Badge } from '../../shared/ui/badge.tsx'
import { Icon } from '../../shared/ui/icon.tsx'
import { Loading } from '../../shared/ui/states.tsx'
import { useWebmail } from '../context.ts'

type Unjudged = 'not-received' | 'submitted' | 'handed-on' | 'too-large' | 'unknown'
type Judged =
  | {
      readonly checked: true
      readonly results: readonly AuthResult[]
      readonly helo: string
      readonly address: string
    }
  | { readonly checked: false; readonly reason: Unjudged }

const reasons: Readonly<Record<Unjudged, string>> = {
  'not-received': 'Nobody can tell: it was filed or imported here, not received from another server.',
  submitted: 'It was written by somebody who logged in to this server.',
  'handed-on': 'Nobody can tell: another server of this house took it in and handed it on.',
  'too-large': 'It is too large to be checked while you wait.',
  unknown: 'It cannot be checked now.',
}

function useJudged(email: Email): Judged | null {
  const { client } = useWebmail()
  const judged = useSignal<Judged | null>(null)
  useEffect(() => {
    void ask(client.accountId, email.id).then((answer) => (judged.value = answer))
  }, [email.id])
  return judged.value
}

async function ask(accountId: Id, emailId: Id): Promise<Judged> {
  const path = `/jmap/authentication/${encodeURIComponent(accountId)}/${encodeURIComponent(emailId)}`
  try {
    const response = await fetch(path, { headers: { accept: 'application/json' } })
    if (response.ok) return (await response.json()) as Judged
  } catch {
    // Without a network nothing can be said.
  }
  return { checked: false, reason: 'unknown' }
}

/** One line under the addresses. Asks as soon as it is there. */
export function AuthenticationNote({ email }: { email: Email }): JSX.Element | null {
  const judged = useJudged(email)
  if (judged === null || !judged.checked) return null
  const verdicts = explainAuthentication(judged.results)
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

export function AuthenticationTable({ email }: { email: Email }): JSX.Element {
  const judged = useJudged(email)
  if (judged === null) return <Loading />
  if (!judged.checked) return <p class="soft">{reasons[judged.reason]}</p>
  return (
    <>
      <p class="soft">
        It came from {judged.helo} at <span class="mono">{judged.address}</span>. What its header says of
        checks is not believed; this is what DNS says now:
      </p>
      <ul role="list" class="stack stack-s">
        {explainAuthentication(judged.results).map(({ method, result, tone, text }, index) => (
          <li key={index} class="row">
            <Badge tone={tone}>
              {method} {result}
            </Badge>
            <span>{text}</span>
          </li>
        ))}
      </ul>
    </>
  )
}
