// What happened lately, and what happens: the events that the server remembers, narrowed by level, name and text, with new ones as they come.
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { type Signal, useSignal } from '@preact/signals'
import { formatDate, plural } from '../shared/format.ts'
import { useShortcuts } from '../shared/keys.ts'
import { openStream } from '../shared/stream.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Button } from '../shared/ui/button.tsx'
import { Segments, TextField } from '../shared/ui/field.tsx'
import { Empty, Failed, Skeleton } from '../shared/ui/states.tsx'
import { FilterField, PageHead } from './head.tsx'
import { ask, type LogRecord, reasonOf, watchPath } from './operations.ts'
import { pathOf, router } from './state.ts'
import { fieldsInLine, levelTones } from './words.ts'

const pageSize = 200
/** More lines than anybody reads are not kept in the page. */
const mostLines = 1000
/** New records are shown together this often: in a flood each alone would keep the page from anything else. */
const showMilliseconds = 300
/** So long nobody types before the server is asked. */
const typingMilliseconds = 150
const levels = ['info', 'warn', 'error'] as const
type Level = (typeof levels)[number]

interface Filter {
  readonly level: Level
  readonly name: string
  readonly text: string
}

function timeOf(at: string): string {
  const time = new Date(at)
  const milliseconds = String(time.getMilliseconds()).padStart(3, '0')
  return `${time.toLocaleTimeString(undefined, { hour12: false })}.${milliseconds}`
}

/** The message that a record is about, where it says so. */
function messageOf({ fields }: LogRecord): string | null {
  const name = fields['message'] ?? fields['id']
  return typeof name === 'string' && /^[a-z0-9]+\.\d+$/.test(name) ? name : null
}

function Line({ record }: { record: LogRecord }): JSX.Element {
  const { at, level, name, fields } = record
  const message = messageOf(record)
  return (
    <li class={`log-line log-${level}`}>
      <details>
        <summary>
          <time class="num faint" title={formatDate(Date.parse(at))}>
            {timeOf(at)}
          </time>
          <Badge tone={levelTones[level]}>{level}</Badge>
          <span class="log-name">{name}</span>
          <span class="cut log-fields">{fieldsInLine(fields)}</span>
        </summary>
        <dl class="facts log-facts">
          {Object.entries(fields).map(([key, value]) => (
            <>
              <dt>{key}</dt>
              <dd>{value === null ? <span class="faint">null</span> : String(value)}</dd>
            </>
          ))}
        </dl>
        {message === null ? null : (
          <div class="row log-actions">
            <Button
              size="small"
              icon="search"
              onClick={() => router.go(`trace?${new URLSearchParams({ text: message })}`)}
            >
              Trace the message
            </Button>
            <Button size="small" icon="queue" onClick={() => router.go(pathOf('queue', message))}>
              In the queue
            </Button>
          </div>
        )}
      </details>
    </li>
  )
}

interface Tail {
  readonly records: readonly LogRecord[]
  readonly state: 'loading' | 'there' | 'failed'
  readonly failure: string
  readonly more: boolean
}

function withQuery(change: Readonly<Record<string, string>>): void {
  const search = new URLSearchParams(router.location.peek().query)
  for (const [name, value] of Object.entries(change)) {
    if (value === '') search.delete(name)
    else search.set(name, value)
  }
  const text = search.toString()
  router.go(text === '' ? 'log' : `log?${text}`, { replace: true })
}

function filterOf(query: URLSearchParams): Filter {
  return {
    level: levels.find((level) => level === query.get('level')) ?? 'info',
    name: query.get('name') ?? '',
    text: query.get('text') ?? '',
  }
}

interface Following {
  readonly tail: Tail
  readonly live: boolean
  readonly read: (before?: number) => Promise<void>
}

/** The records that fit, and, while it follows, new ones as they come. */
function useTail(filter: Filter, following: boolean): Following {
  const tail = useSignal<Tail>({ records: [], state: 'loading', failure: '', more: false })
  const live = useSignal(false)
  /** What the stream of this filter has told, the newest first. */
  const heard = useRef<readonly LogRecord[]>([])
  const read = async (before?: number): Promise<void> => {
    try {
      const found = await ask('server.log', {
        ...filter,
        limit: pageSize,
        ...(before === undefined ? {} : { before }),
      })
      const newest = found[0]?.seq ?? -1
      // What came while this was read is not part of it.
      const known =
        before === undefined ? heard.current.filter(({ seq }) => seq > newest) : tail.peek().records
      const more = found.length === pageSize
      tail.value = { records: [...known, ...found], state: 'there', failure: '', more }
    } catch (error) {
      tail.value = { ...tail.peek(), state: 'failed', failure: reasonOf(error) }
    }
  }
  const key = JSON.stringify(filter)
  useEffect(() => {
    let close: (() => void) | null = null
    const timer = setTimeout(() => {
      heard.current = []
      void read()
      if (following) close = follow(filter, { tail, live, heard, again: () => void read() })
    }, typingMilliseconds)
    return () => {
      clearTimeout(timer)
      close?.()
      live.value = false
    }
  }, [key, following])
  return { tail: tail.value, live: live.value, read }
}

function Filters({ filter }: { filter: Filter }): JSX.Element {
  return (
    <div class="filters">
      <FilterField label="Text in any field" value={filter.text} onInput={(text) => withQuery({ text })} />
      <TextField
        label="Beginning of its name"
        hideLabel
        type="search"
        placeholder="Name: smtp., queue.failed"
        autocapitalize="off"
        spellcheck={false}
        value={filter.name}
        onInput={(name) => withQuery({ name: name.trim() })}
      />
      <Segments<Level>
        label="Level"
        value={filter.level}
        onChange={(level) => withQuery({ level: level === 'info' ? '' : level })}
        options={levels.map((value) => ({ value, label: value === 'info' ? 'all' : value }))}
      />
    </div>
  )
}

interface RecordsProps {
  readonly tail: Tail
  readonly read: (before?: number) => Promise<void>
  readonly following: boolean
}

function Records({ tail, read, following }: RecordsProps): JSX.Element {
  const { records, state, failure, more } = tail
  if (state === 'failed') {
    return <Failed title="The log could not be read" reason={failure} retry={() => void read()} />
  }
  if (state === 'loading') return <Skeleton lines={8} />
  if (records.length === 0) {
    return (
      <Empty title="No event fits" picture="search">
        {following ? <p>New ones appear here as they come.</p> : null}
      </Empty>
    )
  }
  return (
    <section class="log" aria-label="Events, the newest first">
      <ul role="list">
        {records.map((record) => (
          <Line key={record.seq} record={record} />
        ))}
      </ul>
      {more ? (
        <div class="queue-more">
          <Button onClick={() => void read(records.at(-1)?.seq)}>Show earlier ones</Button>
        </div>
      ) : null}
    </section>
  )
}

export function LogPage(): JSX.Element {
  const filter = filterOf(router.location.value.query)
  const following = useSignal(true)
  const { tail, live, read } = useTail(filter, following.value)
  useShortcuts('Page', [
    {
      keys: 'f',
      label: 'Follow, or stand still',
      run: () => (following.value = !following.value),
    },
  ])
  const { records, more } = tail
  return (
    <div class="page page-wide">
      <PageHead
        title="Log"
        beside={
          <span class="count-beside num">
            {plural(records.length, 'event')}
            {more ? ', and more before' : ''}
          </span>
        }
      >
        <Button
          icon={following.value ? 'pause' : 'play'}
          aria-pressed={following.value}
          onClick={() => (following.value = !following.value)}
        >
          {following.value ? (live ? 'Live' : 'Connecting') : 'Follow'}
        </Button>
      </PageHead>
      <Filters filter={filter} />
      <Records tail={tail} read={read} following={following.value} />
    </div>
  )
}

interface FollowParts {
  readonly tail: Signal<Tail>
  readonly live: Signal<boolean>
  readonly heard: { current: readonly LogRecord[] }
  /** Called when the connection is there: what came before was not heard. */
  readonly again: () => void
}

/** New records go on top. */
function follow(filter: Filter, { tail, live, heard, again }: FollowParts): () => void {
  let waiting: LogRecord[] = []
  const show = (): void => {
    if (waiting.length === 0) return
    const known = tail.peek()
    const seen = new Set(known.records.map(({ seq }) => seq))
    const fresh = waiting.filter(({ seq }) => !seen.has(seq)).toReversed()
    waiting = []
    heard.current = [...fresh, ...heard.current].slice(0, mostLines)
    tail.value = { ...known, state: 'there', records: [...fresh, ...known.records].slice(0, mostLines) }
  }
  const close = openStream({
    path: watchPath({ ...filter }),
    events: {
      message: (data) => {
        if (waiting.length === 0) setTimeout(show, showMilliseconds)
        // The server's own events: `logRecord` of its schema.
        waiting.push(JSON.parse(data) as LogRecord)
      },
    },
    onOpen: () => {
      live.value = true
      again()
    },
    onLost: () => (live.value = false),
    onRefused: again,
  })
  return () => {
    waiting = []
    close()
  }
}
