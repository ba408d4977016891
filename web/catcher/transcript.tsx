// A dialogue as it was spoken: who said what, and when.
import type { JSX } from 'preact'
import type { Refusal } from './state.ts'

type Line = Refusal['transcript'][number]

const sides = { client: 'C', server: 'S', note: '·' } as const
const names = { client: 'client', server: 'server', note: 'note' } as const

export function Transcript({
  lines,
  truncated = false,
}: {
  lines: readonly Line[]
  truncated?: boolean
}): JSX.Element {
  return (
    <>
      <ol class="transcript mono" aria-label="Dialogue">
        {lines.map(({ at, side, text }, index) => (
          <li key={index} class={`line line-${side}`}>
            <span class="line-at num">{(at / 1000).toFixed(3)}</span>
            <span class="line-side" aria-hidden="true">
              {sides[side]}
            </span>
            <span class="visually-hidden">{names[side]}: </span>
            <span class="line-text">{text}</span>
          </li>
        ))}
      </ol>
      {truncated ? <p class="soft small">The dialogue was longer than what is kept.</p> : null}
    </>
  )
}

type Envelope = Refusal['envelope']
type Session = Refusal['session']

function withParameters(address: string, parameters: readonly string[]): string {
  return [`<${address}>`, ...parameters].join(' ')
}

/** Envelope and connection, in words. */
export function SessionFacts({
  envelope,
  session,
}: {
  envelope: Envelope
  session: Session | null
}): JSX.Element {
  return (
    <dl class="facts">
      <dt>MAIL FROM</dt>
      <dd class="mono">{withParameters(envelope.reversePath, envelope.parameters)}</dd>
      <dt>RCPT TO</dt>
      <dd class="mono">
        {envelope.recipients.map(({ address, parameters }) => (
          <div key={address}>{withParameters(address, parameters)}</div>
        ))}
        {envelope.recipients.length === 0 ? 'none' : null}
      </dd>
      {session === null ? (
        <>
          <dt>Came by</dt>
          <dd>no SMTP session: the HTTP API, sendmail, or an import</dd>
        </>
      ) : (
        <>
          <dt>Client</dt>
          <dd>
            <span class="mono">{session.helo || '(no EHLO)'}</span> from{' '}
            <span class="mono">
              {session.remoteAddress}:{session.remotePort}
            </span>
          </dd>
          <dt>Security</dt>
          <dd>{session.tls === null ? 'in the clear' : `${session.tls.version}, ${session.tls.cipher}`}</dd>
          <dt>Log-in</dt>
          <dd>{session.username === '' ? 'none' : `${session.username} by ${session.mechanism}`}</dd>
        </>
      )}
    </dl>
  )
}
