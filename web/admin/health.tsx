// Whether all is well, and what keeps it so: the process and its store, the listeners, the full-text index, checks and upkeep.
import type { ComponentChildren, JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { formatDuration, plural } from '../shared/format.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Button } from '../shared/ui/button.tsx'
import { Notice, Skeleton } from '../shared/ui/states.tsx'
import { useAsked } from './asked.ts'
import { PageHead } from './head.tsx'
import { ask, reasonOf } from './operations.ts'
import { SearchIndex } from './search-index.tsx'
import { overview } from './state.ts'

type Probe = 'asking' | 'good' | 'bad'

function useProbe(path: string): Probe {
  const probe = useSignal<Probe>('asking')
  useEffect(() => {
    let wanted = true
    const look = async (): Promise<void> => {
      const answer = await fetch(path, { cache: 'no-store' }).catch(() => null)
      if (wanted) probe.value = answer?.ok === true ? 'good' : 'bad'
    }
    void look()
    const timer = setInterval(() => void look(), 5000)
    return () => {
      wanted = false
      clearInterval(timer)
    }
  }, [path])
  return probe.value
}

function ProbeRow({
  path,
  label,
  good,
  bad,
}: {
  path: string
  label: string
  good: string
  bad: string
}): JSX.Element {
  const state = useProbe(path)
  return (
    <li class="row check-row">
      {state === 'asking' ? (
        <Badge>asking</Badge>
      ) : state === 'good' ? (
        <Badge tone="good" icon="check">
          {good}
        </Badge>
      ) : (
        <Badge tone="bad" icon="warn">
          {bad}
        </Badge>
      )}
      <span>{label}</span>
      <span class="grow" />
      <code class="faint small">{path}</code>
    </li>
  )
}

function Probes(): JSX.Element {
  const now = overview.value
  return (
    <section class="card">
      <div class="card-head">
        <h2 class="card-title">Now</h2>
        {now === null ? null : <span class="soft small">running for {formatDuration(now.uptime)}</span>}
      </div>
      <ul class="checks" role="list">
        <ProbeRow path="/livez" label="The process answers" good="alive" bad="silent" />
        <ProbeRow path="/readyz" label="The store answers" good="ready" bad="not ready" />
        {(now?.listeners ?? []).map(({ service, address, port, tls }) => (
          <li key={`${address} ${port}`} class="row check-row">
            <Badge tone="good" icon="check">
              open
            </Badge>
            <span>
              {service}
              <span class="faint">
                {tls === 'none' ? ' without TLS' : tls === 'implicit' ? ' with TLS' : ' with STARTTLS'}
              </span>
            </span>
            <span class="grow" />
            <code class="faint small">
              {address.includes(':') ? `[${address}]` : address}:{port}
            </code>
          </li>
        ))}
      </ul>
    </section>
  )
}

interface TaskProps {
  readonly title: string
  readonly about: string
  readonly action: string
  /** What came of it, in words. */
  readonly run: () => Promise<ComponentChildren>
}

function Task({ title, about, action, run }: TaskProps): JSX.Element {
  const busy = useSignal(false)
  const result = useSignal<{ good: boolean; words: ComponentChildren } | null>(null)
  const start = async (): Promise<void> => {
    busy.value = true
    try {
      result.value = { good: true, words: await run() }
    } catch (error) {
      result.value = { good: false, words: reasonOf(error) }
    } finally {
      busy.value = false
    }
  }
  return (
    <li class="task">
      <div class="grow">
        <h3 class="task-title">{title}</h3>
        <p class="soft small">{about}</p>
      </div>
      <Button busy={busy.value} onClick={() => void start()}>
        {action}
      </Button>
      {result.value === null ? null : (
        <div class="task-result" role="status">
          <Notice tone={result.value.good ? 'good' : 'bad'}>{result.value.words}</Notice>
        </div>
      )}
    </li>
  )
}

async function audit(): Promise<ComponentChildren> {
  const found = await ask('store.audit')
  if (found.length === 0) return 'Everything holds.'
  return (
    <ul class="plain-list">
      {found.slice(0, 100).map(({ check, account, message }, at) => (
        <li key={at}>
          <strong>{check}</strong>
          {account === null ? '' : ` (account ${account})`}: {message}
        </li>
      ))}
    </ul>
  )
}

async function collectGarbage(): Promise<ComponentChildren> {
  const { blobs, files, tombstones } = await ask('store.collect')
  return `Removed ${plural(blobs, 'blob')}, ${plural(files, 'file')} and ${plural(tombstones, 'tombstone')} that nothing named.`
}

async function collectMail(): Promise<ComponentChildren> {
  const visits = await ask('collect.now')
  return `${plural(visits.length, 'provider')} asked.`
}

async function metrics(): Promise<ComponentChildren> {
  const text = await ask('server.metrics')
  return (
    <pre class="metrics" tabIndex={0}>
      {text}
    </pre>
  )
}

function Upkeep({ collects }: { collects: boolean }): JSX.Element {
  return (
    <section class="card">
      <h2 class="card-title">Upkeep</h2>
      <ul class="tasks" role="list">
        <Task
          title="Check the store"
          about="Recomputes everything that the store claims, and lists what does not hold: posthorn fsck."
          action="Check"
          run={audit}
        />
        <Task
          title="Remove what nothing names"
          about="Blobs without a message, files without a blob, old tombstones. It happens by itself too."
          action="Remove"
          run={collectGarbage}
        />
        {collects ? (
          <Task
            title="Fetch mail from providers"
            about="From all that `collect` in the configuration names, now rather than at their time: posthorn collect."
            action="Fetch"
            run={collectMail}
          />
        ) : null}
        <Task
          title="Counters"
          about="As Prometheus reads them at /metrics: posthorn metrics."
          action="Show"
          run={metrics}
        />
      </ul>
    </section>
  )
}

export function HealthPage(): JSX.Element {
  const collect = useAsked('server.config', { prefix: 'collect' })
  const value = collect.value?.find(({ key }) => key === 'collect' || key === 'collect.providers')?.value
  return (
    <div class="page">
      <PageHead title="Health" />
      {overview.value === null ? <Skeleton lines={4} /> : null}
      <div class="columns">
        <Probes />
        <Upkeep collects={Array.isArray(value) && value.length > 0} />
      </div>
      <SearchIndex />
    </div>
  )
}
