// What became of a message: from the moment it was accepted or refused to each recipient's last place, with every decision and its reason.
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { formatDate, formatDuration, formatRelative, formatSize } from '../shared/format.ts'
import { useShortcuts } from '../shared/keys.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Button } from '../shared/ui/button.tsx'
import { CheckBox } from '../shared/ui/field.tsx'
import { Icon } from '../shared/ui/icon.tsx'
import { Empty, Notice } from '../shared/ui/states.tsx'
import { useAsked } from './asked.ts'
import { PageHead } from './head.tsx'
import type { LogRecord, Trace } from './operations.ts'
import { Shown } from './shown.tsx'
import { pathOf, router } from './state.ts'
import { fieldsInLine, standing, tellEvent } from './words.ts'

const traceLimit = 20

function secondsOf(at: string): string {
  const time = new Date(at)
  return time.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
}

interface StepProps extends StepOfMessage {
  readonly since: number
  readonly raw: boolean
}

function Step({ record, attempt, since, raw }: StepProps): JSX.Element {
  const { name, fields, at } = record
  const told = tellEvent(record)
  const tried = attempt === null ? undefined : tellEvent(attempt)
  const tone = told?.tone ?? 'plain'
  const later = Date.parse(at) - since
  return (
    <li class="step">
      <span class={`step-mark step-${tone}`} aria-hidden="true">
        {told === undefined ? null : <Icon name={told.icon} />}
      </span>
      <div class="step-text">
        <div class="row row-wrap step-head">
          <strong>{told?.title ?? name}</strong>
          <span class="grow" />
          <time class="faint small num no-wrap" title={formatDate(Date.parse(at))}>
            {secondsOf(at)}
            {later > 0 ? <span> · after {formatDuration(later)}</span> : null}
          </time>
        </div>
        {tried === undefined ? null : <p class="soft small">{tried.detail}</p>}
        {told === undefined || told.detail === '' ? null : <p class="soft small">{told.detail}</p>}
        {told === undefined || told.reply === '' ? null : <pre class="reply">{told.reply}</pre>}
        {raw || told === undefined ? (
          <pre class="raw-fields">
            {name} {fieldsInLine(fields)}
          </pre>
        ) : null}
      </div>
    </li>
  )
}

const outcomes = ['queue.deferred', 'queue.delivered', 'queue.failed', 'queue.unknown-outcome']

interface StepOfMessage {
  readonly record: LogRecord
  /** Where and how it was tried: the `relay.attempt` that an outcome of the queue repeats. */
  readonly attempt: LogRecord | null
}

/** Accepted first, though the mailbox had it before the 250 was said; an attempt and what the queue made of it become one step. */
function stepsOf(records: readonly LogRecord[]): StepOfMessage[] {
  const steps: StepOfMessage[] = []
  for (const record of records) {
    const { name, fields } = record
    const attempt = outcomes.includes(name)
      ? steps.findLastIndex(
          ({ record: { name: before, fields: said } }) =>
            before === 'relay.attempt' &&
            said['recipient'] === fields['recipient'] &&
            said['reply'] === fields['reply'],
        )
      : -1
    const [tried] = attempt < 0 ? [] : steps.splice(attempt, 1)
    const step = { record, attempt: tried?.record ?? null }
    if (name.endsWith('.message-accepted')) steps.unshift(step)
    else steps.push(step)
  }
  return steps
}

function titleOf({ message, records, queue }: Trace): string {
  const accepted = records.find(({ name }) => name.endsWith('.message-accepted'))
  const first = accepted ?? records.find(({ fields }) => fields['reversePath'] !== undefined)
  const sender = first?.fields['reversePath'] ?? first?.fields['account'] ?? queue?.from
  if (message === null) return 'Refused before it had a name'
  return sender === undefined || sender === null || sender === ''
    ? 'A message without a sender'
    : String(sender)
}

/** Where it is now: each recipient's last place. */
function Places({ trace }: { trace: Trace }): JSX.Element | null {
  const { records, queue } = trace
  const placed = records
    .filter(({ name }) => name === 'delivery.placed')
    .map(({ fields }) => String(fields['recipient']))
  const here = [...new Set(placed)]
  const queued = queue?.recipients ?? []
  if (here.length + queued.length === 0) return null
  return (
    <ul class="places" role="list">
      {here.map((address) => (
        <li key={address} class="row">
          <Badge tone="good" icon="inbox">
            in the mailbox
          </Badge>
          <span class="cut">{address}</span>
        </li>
      ))}
      {queued.map((recipient) => {
        const { word, tone } = standing(recipient)
        const { address, nextAttempt, reason, state } = recipient
        return (
          <li key={address} class="row">
            <Badge tone={tone}>{word}</Badge>
            <span class="cut">{address}</span>
            {nextAttempt === null ? null : (
              <span class="faint small no-wrap">next attempt {formatRelative(Date.parse(nextAttempt))}</span>
            )}
            {state === 'waiting' || reason === '' ? null : <span class="faint small">{reason}</span>}
          </li>
        )
      })}
    </ul>
  )
}

function One({ trace, raw, first }: { trace: Trace; raw: boolean; first: boolean }): JSX.Element {
  const { message, records, queue } = trace
  const begin = records[0]?.at ?? queue?.arrived
  const since = begin === undefined ? 0 : Date.parse(begin)
  const bytes = records.find(({ fields }) => typeof fields['bytes'] === 'number')?.fields['bytes']
  return (
    <details class="card trace" open={first || message === null}>
      <summary>
        <Icon name="chevron-right" class="trace-turn" />
        <span class="grow trace-words">
          <strong class="cut">{titleOf(trace)}</strong>
          <span class="faint small mono cut">{message}</span>
        </span>
        {typeof bytes === 'number' ? <span class="faint small no-wrap">{formatSize(bytes)}</span> : null}
        {begin === undefined ? null : (
          <time class="faint small no-wrap" title={formatDate(since)}>
            {formatRelative(since)}
          </time>
        )}
      </summary>
      <div class="stack">
        <Places trace={trace} />
        <ol class="steps" role="list">
          {(raw ? records.map((record) => ({ record, attempt: null })) : stepsOf(records)).map((step) => (
            <Step key={step.record.seq} {...step} since={since} raw={raw} />
          ))}
        </ol>
        {records.length === 0 ? (
          <Notice>Its events are not remembered any more; the queue still knows the message.</Notice>
        ) : null}
        {queue === null ? null : (
          <div class="row">
            <Button icon="queue" onClick={() => router.go(pathOf('queue', queue.name))}>
              Show it in the queue
            </Button>
          </div>
        )}
      </div>
    </details>
  )
}

function Traces({ text, raw }: { text: string; raw: boolean }): JSX.Element {
  const traces = useAsked('server.trace', { text, limit: traceLimit })
  return (
    <Shown of={traces} title="The message could not be traced">
      {(all) =>
        all.length === 0 ? (
          <Empty title="Nothing is remembered of that" picture="search">
            <p>Events are kept as long as web.eventFileSize has room for them. The queue may know more.</p>
          </Empty>
        ) : (
          <div class="stack stack-s">
            <p class="soft" role="status">
              {all.length === 1 ? 'One message' : `${all.length} messages, the newest first`}
              {all.length >= traceLimit ? '; there may be more' : ''}
            </p>
            {all.map((trace, at) => (
              <One
                key={trace.message ?? `refused ${trace.records[0]?.seq}`}
                trace={trace}
                raw={raw}
                first={at === 0}
              />
            ))}
          </div>
        )
      }
    </Shown>
  )
}

export function TracePage(): JSX.Element {
  const asked = router.location.value.query.get('text') ?? ''
  const text = useSignal(asked)
  const raw = useSignal(false)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    text.value = asked
    if (asked === '') input.current?.focus()
  }, [asked])
  useShortcuts('Page', [{ keys: '/', label: 'Search', run: () => input.current?.focus() }])
  return (
    <div class="page page-narrow">
      <PageHead
        title="Message trace"
        lead="By an address, the id that the 250 said, or whatever the log says of the message: a host, a reply, a reason."
      />
      <form
        class="trace-form"
        role="search"
        onSubmit={(event) => {
          event.preventDefault()
          const wanted = text.value.trim()
          router.go(wanted === '' ? 'trace' : `trace?${new URLSearchParams({ text: wanted })}`)
        }}
      >
        <div class="with-icon grow">
          <Icon name="search" />
          <input
            ref={input}
            class="input"
            type="search"
            aria-label="What to trace"
            placeholder="ann@example.org"
            autocapitalize="off"
            spellcheck={false}
            value={text.value}
            onInput={(event) => (text.value = event.currentTarget.value)}
          />
        </div>
        <Button tone="primary" type="submit">
          Trace
        </Button>
      </form>
      <CheckBox
        label="as the log has it"
        hint="every event, with its name and fields"
        checked={raw.value}
        onChange={(on) => (raw.value = on)}
      />
      {asked === '' ? (
        <Empty title="Which message?" picture="search">
          <p>Its whole way is shown: who brought it, each decision, each attempt and where it is now.</p>
        </Empty>
      ) : (
        <Traces key={asked} text={asked} raw={raw.value} />
      )}
    </div>
  )
}
