// The queue: what waits, why, and for how long; found by whom it is for and from, and changed one by one or all at once.
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { formatDate, formatNumber, formatRelative, formatSize, plural } from '../shared/format.ts'
import { useShortcuts } from '../shared/keys.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { CheckBox, Segments, TextField } from '../shared/ui/field.tsx'
import { Menu } from '../shared/ui/menu.tsx'
import { Empty } from '../shared/ui/states.tsx'
import { type Asked, useAsked } from './asked.ts'
import { PageHead } from './head.tsx'
import { type AdminAnswer, type QueuedMessage, type QueuedRecipient } from './operations.ts'
import { order, orderEntries, OrderHost, type QueueFilter, type Subject } from './orders.tsx'
import { Shown } from './shown.tsx'
import { pathOf, router } from './state.ts'
import { standing } from './words.ts'

const pageSize = 200
/** As many as the server gives at once; who has more narrows them down. */
const mostShown = 1000
const states = ['waiting', 'active', 'held'] as const
type StateChoice = 'all' | (typeof states)[number]

/** The filter that the address bar says. */
function filterOf(query: URLSearchParams): QueueFilter {
  const of = (name: string): object => {
    const value = query.get(name)
    return value === null || value === '' ? {} : { [name]: value }
  }
  const state = states.find((one) => one === query.get('state'))
  return { ...of('domain'), ...of('sender'), ...of('recipient'), ...(state === undefined ? {} : { state }) }
}

function withQuery(change: Readonly<Record<string, string>>): void {
  const search = new URLSearchParams(router.location.peek().query)
  for (const [name, value] of Object.entries(change)) {
    if (value === '') search.delete(name)
    else search.set(name, value)
  }
  const text = search.toString()
  router.go(text === '' ? 'queue' : `queue?${text}`, { replace: true })
}

function Filters({ filter, finished }: { filter: QueueFilter; finished: boolean }): JSX.Element {
  const field = (name: 'domain' | 'sender' | 'recipient', label: string): JSX.Element => (
    <TextField
      key={name}
      label={label}
      hideLabel
      placeholder={label}
      type="search"
      autocapitalize="off"
      spellcheck={false}
      value={filter[name] ?? ''}
      onInput={(value) => withQuery({ [name]: value.trim() })}
    />
  )
  return (
    <div class="filters">
      {field('domain', 'To this domain')}
      {field('recipient', 'To this address')}
      {field('sender', 'From this account or domain')}
      <Segments<StateChoice>
        label="State"
        value={filter.state === undefined || filter.state === 'settled' ? 'all' : filter.state}
        onChange={(state) => withQuery({ state: state === 'all' ? '' : state })}
        options={[{ value: 'all', label: 'all' }, ...states.map((state) => ({ value: state, label: state }))]}
      />
      <CheckBox
        label="also those that are over"
        checked={finished}
        onChange={(on) => withQuery({ finished: on ? 'with' : '' })}
      />
    </div>
  )
}

function Recipient({ recipient }: { recipient: QueuedRecipient }): JSX.Element {
  const { address, attempts, nextAttempt, reason, last } = recipient
  const { word, tone } = standing(recipient)
  const said = recipient.outcome === null ? reason : (last?.reply ?? reason)
  return (
    <li class="queued-recipient">
      <span class="row">
        <Badge tone={tone}>{word}</Badge>
        <span class="cut">{address}</span>
        {attempts > 0 ? <span class="faint small no-wrap">{plural(attempts, 'attempt')}</span> : null}
        {nextAttempt === null ? null : (
          <time class="faint small no-wrap" title={formatDate(Date.parse(nextAttempt))}>
            next {formatRelative(Date.parse(nextAttempt))}
          </time>
        )}
      </span>
      {said === '' ? null : <span class="queued-reason cut mono small soft">{said}</span>}
    </li>
  )
}

interface RowProps {
  readonly message: QueuedMessage
  readonly chosen: boolean
  readonly toggle: () => void
  readonly onDone: () => void
  readonly isCursor: boolean
}

function Row({ message, chosen, toggle, onDone, isCursor }: RowProps): JSX.Element {
  const { name, from, bytes, arrived, recipients, priority } = message
  const words = `the message ${name}`
  return (
    <li class={`queued ${chosen ? 'is-chosen' : ''} ${isCursor ? 'is-cursor' : ''}`}>
      <input
        type="checkbox"
        class="checkbox"
        checked={chosen}
        aria-label={`Choose ${name}`}
        onChange={toggle}
      />
      <div class="queued-body">
        <div class="row queued-top">
          <a class="queued-link cut" href={router.href(pathOf('queue', name))}>
            {from === '' ? 'a report, without a sender' : from}
          </a>
          <code class="faint small cut only-desktop">{name}</code>
          {priority === 0 ? null : <Badge>priority {priority}</Badge>}
          <span class="grow" />
          <span class="faint small no-wrap num">{formatSize(bytes)}</span>
          <time class="faint small no-wrap" title={formatDate(Date.parse(arrived))}>
            {formatRelative(Date.parse(arrived))}
          </time>
        </div>
        <ul class="queued-recipients" role="list">
          {recipients.slice(0, 4).map((recipient) => (
            <Recipient key={recipient.address} recipient={recipient} />
          ))}
          {recipients.length > 4 ? (
            <li class="faint small">and {plural(recipients.length - 4, 'recipient')} more</li>
          ) : null}
        </ul>
      </div>
      <Menu
        label={words}
        align="end"
        trigger={(attributes) => <IconButton {...attributes} icon="more" label={`Orders for ${name}`} />}
        entries={() => orderEntries({ filters: [{ message: name }], words, onDone })}
      />
    </li>
  )
}

interface ToolsProps {
  readonly shown: readonly QueuedMessage[]
  readonly chosen: ReadonlySet<string>
  readonly choose: (names: readonly string[]) => void
  readonly subject: Subject
}

function Tools({ shown, chosen, choose, subject }: ToolsProps): JSX.Element {
  const all = shown.length > 0 && shown.every(({ name }) => chosen.has(name))
  return (
    <div class={`queue-tools ${chosen.size > 0 ? 'is-choosing' : ''}`}>
      <CheckBox
        label={chosen.size > 0 ? plural(chosen.size, 'message') : 'Choose all shown'}
        checked={all}
        onChange={(on) => choose(on ? shown.map(({ name }) => name) : [])}
      />
      <span class="grow" />
      <Button
        size="small"
        icon="refresh"
        disabled={shown.length === 0}
        onClick={() => void order('retry', subject)}
      >
        Retry {chosen.size > 0 ? '' : 'all'}
      </Button>
      <Menu
        label="Orders"
        align="end"
        trigger={(attributes) => (
          <Button {...attributes} size="small" icon="more" disabled={shown.length === 0}>
            {chosen.size > 0 ? 'Order' : 'Order all'}
          </Button>
        )}
        entries={() => [{ title: subject.words }, ...orderEntries(subject)]}
      />
    </div>
  )
}

function Shape({ shape }: { shape: Asked<AdminAnswer<'queue.shape'>> }): JSX.Element {
  return (
    <details class="card shape">
      <summary>
        <h2 class="card-title">By domain and age</h2>
      </summary>
      <Shown of={shape} title="The queue could not be read">
        {({ ages, domains }) => (
          <div class="table-room" tabIndex={0} role="region" aria-label="The queue by domain and age">
            <table class="table num">
              <thead>
                <tr>
                  <th scope="col">Domain</th>
                  <th scope="col" class="end">
                    All
                  </th>
                  {ages.map((minutes) => (
                    <th key={minutes} scope="col" class="end">
                      {minutes < 60 ? `${minutes} min` : `${formatNumber(Math.round(minutes / 6) / 10)} h`}
                    </th>
                  ))}
                  <th scope="col" class="end">
                    older
                  </th>
                </tr>
              </thead>
              <tbody>
                {domains.map(({ domain, total, counts }) => (
                  <tr key={domain}>
                    <td>
                      <a href={router.href(`queue?${new URLSearchParams({ domain })}`)}>{domain}</a>
                    </td>
                    <td class="end">{total}</td>
                    {counts.map((count, at) => (
                      <td key={at} class={`end ${count === 0 ? 'faint' : ''}`}>
                        {count === 0 ? '·' : count}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Shown>
    </details>
  )
}

function Nothing({ filter }: { filter: QueueFilter }): JSX.Element {
  return Object.keys(filter).length === 0 ? (
    <Empty title="The queue is empty" picture="done">
      <p>Mail for other hosts waits here until they have taken it.</p>
    </Empty>
  ) : (
    <Empty title="Nothing in the queue fits" picture="search">
      <Button onClick={() => router.go('queue')}>Show all</Button>
    </Empty>
  )
}

interface QueueListProps {
  readonly messages: readonly QueuedMessage[]
  readonly filter: QueueFilter
  readonly reload: () => void
}

/** The messages shown, of which some may be chosen; orders go to these, or to all that the filter finds. */
function QueueList({ messages, filter, reload }: QueueListProps): JSX.Element {
  const marked = useSignal<ReadonlySet<string>>(new Set())
  const cursor = useSignal(-1)
  const rows = useRef<HTMLUListElement>(null)
  const chosen = new Set(messages.map(({ name }) => name).filter((name) => marked.value.has(name)))
  const onDone = (): void => {
    marked.value = new Set()
    reload()
  }
  const toggle = (name: string): void => {
    const next = new Set(marked.peek())
    if (!next.delete(name)) next.add(name)
    marked.value = next
  }
  const subject: Subject =
    chosen.size > 0
      ? {
          filters: [...chosen].map((message) => ({ message })),
          words: plural(chosen.size, 'chosen message'),
          onDone,
        }
      : {
          filters: [filter],
          words: Object.keys(filter).length === 0 ? 'everything in the queue' : 'all that the filter finds',
          onDone,
        }
  const move = (step: number): void => {
    cursor.value = Math.max(0, Math.min(messages.length - 1, cursor.peek() + step))
    rows.current?.children[cursor.peek()]?.scrollIntoView({ block: 'nearest' })
  }
  const withCursor = (work: (name: string) => void): void => {
    const message = messages[cursor.peek()]
    if (message !== undefined) work(message.name)
  }
  const toChosen = (name: 'retry' | 'hold' | 'release') => (): void => {
    if (chosen.size > 0) void order(name, subject)
  }
  useShortcuts('Queue', [
    { keys: 'j', label: 'Next message', run: () => move(1) },
    { keys: 'k', label: 'Message before', run: () => move(-1) },
    { keys: 'Enter', label: 'Open', run: () => withCursor((name) => router.go(pathOf('queue', name))) },
    { keys: 'x', label: 'Choose', run: () => withCursor(toggle) },
    { keys: 'Escape', label: 'Choose nothing', run: () => (marked.value = new Set()) },
    { keys: 'r', label: 'Retry what is chosen', run: toChosen('retry') },
    { keys: 'h', label: 'Hold what is chosen', run: toChosen('hold') },
    { keys: 'l', label: 'Release what is chosen', run: toChosen('release') },
  ])
  return (
    <section class="queue-list" aria-label="Messages in the queue">
      <Tools
        shown={messages}
        chosen={chosen}
        choose={(names) => (marked.value = new Set(names))}
        subject={subject}
      />
      <ul ref={rows} role="list">
        {messages.map((message, at) => (
          <Row
            key={message.id}
            message={message}
            chosen={chosen.has(message.name)}
            toggle={() => toggle(message.name)}
            onDone={onDone}
            isCursor={cursor.value === at}
          />
        ))}
      </ul>
    </section>
  )
}

export function QueuePage(): JSX.Element {
  const { query } = router.location.value
  const filter = filterOf(query)
  const finished = query.get('finished') === 'with'
  const limit = useSignal(pageSize)
  const list = useAsked(
    'queue.list',
    { filter, limit: limit.value, finished: finished ? 'with' : 'without' },
    { every: 4000 },
  )
  const shape = useAsked('queue.shape', {}, { every: 10_000 })
  const reload = (): void => {
    void list.reload()
    void shape.reload()
  }
  const isCut = (list.value?.length ?? 0) >= limit.value && limit.value < mostShown
  return (
    <div class="page">
      <PageHead title="Queue" beside={<QueueCount list={list} limit={limit.value} />}>
        <IconButton icon="refresh" label="Read the queue again" onClick={reload} />
      </PageHead>
      <Filters filter={filter} finished={finished} />
      <Shown of={list} title="The queue could not be read">
        {(messages) =>
          messages.length === 0 ? (
            <Nothing filter={filter} />
          ) : (
            <QueueList messages={messages} filter={filter} reload={reload} />
          )
        }
      </Shown>
      {isCut ? (
        <Button onClick={() => (limit.value = Math.min(mostShown, limit.value + pageSize))}>Show more</Button>
      ) : null}
      <Shape shape={shape} />
      <OrderHost />
    </div>
  )
}

function QueueCount({
  list,
  limit,
}: {
  list: Asked<readonly QueuedMessage[]>
  limit: number
}): JSX.Element | null {
  const count = list.value?.length
  if (count === undefined) return null
  return (
    <span class="count-beside num">
      {count >= limit ? `the first ${formatNumber(count)}` : plural(count, 'message')}
    </span>
  )
}
