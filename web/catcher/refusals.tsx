// Mail that did not get in, and why: of a program that says “mail does not work” this is the other side.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { formatDate, formatTime } from '../shared/format.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Button } from '../shared/ui/button.tsx'
import { Empty } from '../shared/ui/states.tsx'
import { clearRefusals, type Refusal, refusals } from './state.ts'
import { SessionFacts, Transcript } from './transcript.tsx'

function One({ refusal }: { refusal: Refusal }): JSX.Element {
  const { at, reply, rule, stage, envelope, session, transcript } = refusal
  const open = useSignal(false)
  const to = envelope.recipients.map(({ address }) => address).join(', ')
  return (
    <details
      class="card refusal"
      onToggle={(event) => {
        open.value = event.currentTarget.open
      }}
    >
      <summary>
        <time class="num faint" title={formatDate(at)}>
          {formatTime(at)}
        </time>
        <Badge tone={rule === '' ? 'bad' : 'plum'}>{rule === '' ? stage : `chaos: ${rule}`}</Badge>
        <span class="grow cut mono">{reply}</span>
        <span class="cut soft small">
          {envelope.reversePath || '<>'} → {to || 'nobody yet'}
        </span>
      </summary>
      {open.value ? (
        <div class="stack">
          <SessionFacts envelope={envelope} session={session} />
          <Transcript lines={transcript} />
        </div>
      ) : null}
    </details>
  )
}

export function RefusalsPage(): JSX.Element {
  return (
    <div class="page">
      <header class="row">
        <h1 class="title grow">Refused</h1>
        <Button icon="trash" disabled={refusals.value.length === 0} onClick={() => void clearRefusals()}>
          Forget them
        </Button>
      </header>
      {refusals.value.length === 0 ? (
        <Empty title="Nothing was refused" picture="done">
          <p>Sessions that came to nothing appear here with every word that was said.</p>
        </Empty>
      ) : (
        <div class="stack stack-s">
          {refusals.value.map((refusal) => (
            <One key={refusal.id} refusal={refusal} />
          ))}
        </div>
      )}
    </div>
  )
}
