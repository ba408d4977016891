// How the server does: what comes in, goes out, waits and is refused, as it happens.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import {
  formatDate,
  formatDuration,
  formatNumber,
  formatRelative,
  formatTime,
  plural,
} from '../shared/format.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Chart } from '../shared/ui/chart.tsx'
import { Segments } from '../shared/ui/field.tsx'
import { Skeleton } from '../shared/ui/states.tsx'
import { type Asked, useAsked } from './asked.ts'
import { PageHead } from './head.tsx'
import type { Overview } from './operations.ts'
import { binned, type Binned, type SeriesName, type Span, spans, sum } from './series.ts'
import { Shown } from './shown.tsx'
import { overview, router } from './state.ts'
import { fieldsInLine, levelTones, refusalInWords, tellEvent } from './words.ts'

interface TileProps {
  readonly label: string
  readonly value: number
  readonly more: string
  readonly href: string
  readonly bins: Binned | null
  readonly name: SeriesName
  readonly colour: 1 | 2 | 3 | 4 | 5
}

function Tile({ label, value, more, href, bins, name, colour }: TileProps): JSX.Element {
  return (
    <a class="tile card" href={router.href(href)}>
      <span class="tile-label">{label}</span>
      <span class="tile-value num">{formatNumber(value)}</span>
      <span class="tile-more faint small">{more}</span>
      <span class="tile-spark" aria-hidden="true">
        {bins === null ? null : (
          <Chart
            spark
            label={label}
            times={bins.times}
            series={[{ label, values: bins.values[name], colour }]}
          />
        )}
      </span>
    </a>
  )
}

/** Without those of which there are none. */
function inStates(counts: Readonly<Record<string, number>>): string {
  const words = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${formatNumber(count)} ${state}`)
  return words.length === 0 ? 'nothing waits' : words.join(', ')
}

function Tiles({ now, bins, span }: { now: Overview; bins: Binned | null; span: Span }): JSX.Element {
  const { waiting, active, held } = now.queue
  const within = `in ${spans[span].words}`
  const count = (name: SeriesName): number => bins?.total(name) ?? 0
  const open = Object.values(now.connections).reduce((all, one) => all + one, 0)
  return (
    <div class="tiles">
      <Tile
        label="Accepted"
        value={count('accepted')}
        more={within}
        href="trace"
        bins={bins}
        name="accepted"
        colour={1}
      />
      <Tile
        label="Sent on"
        value={count('delivered')}
        more={`${formatNumber(count('deferred'))} deferred, ${formatNumber(count('failed'))} given up`}
        href="queue"
        bins={bins}
        name="delivered"
        colour={4}
      />
      <Tile
        label="In the queue"
        value={waiting + active + held}
        more={inStates({ waiting, active, held })}
        href="queue"
        bins={bins}
        name="queued"
        colour={2}
      />
      <Tile
        label="Refused"
        value={count('refused')}
        more={within}
        href="log?name=smtp."
        bins={bins}
        name="refused"
        colour={3}
      />
      <Tile
        label="Sessions open"
        value={open}
        more={`${formatNumber(count('logins'))} log-ins, ${formatNumber(count('failedLogins'))} failed`}
        href="sessions"
        bins={bins}
        name="connections"
        colour={5}
      />
    </div>
  )
}

function Charts({ bins }: { bins: Binned }): JSX.Element {
  const { times, values } = bins
  return (
    <div class="charts">
      <section class="card">
        <h2 class="card-title">Mail in and out</h2>
        <Chart
          label="Mail in and out"
          times={times}
          series={[
            { label: 'Accepted', values: values.accepted, colour: 1 },
            { label: 'Sent on', values: values.delivered, colour: 4 },
            { label: 'Refused', values: values.refused, colour: 3 },
          ]}
        />
      </section>
      <section class="card">
        <h2 class="card-title">Queue</h2>
        <Chart
          label="Queue"
          times={times}
          series={[
            { label: 'Waiting', values: values.queued, colour: 2 },
            { label: 'Deferred', values: values.deferred, colour: 1 },
            { label: 'Given up', values: values.failed, colour: 3 },
          ]}
        />
      </section>
    </div>
  )
}

function Refusals({ now }: { now: Overview }): JSX.Element {
  const rows = now.refusals.slice(0, 8)
  const most = Math.max(1, ...rows.map(({ count }) => count))
  return (
    <section class="card">
      <div class="card-head">
        <h2 class="card-title">Refused in the last hour</h2>
        <span class="num soft">{formatNumber(sum(now.refusals.map(({ count }) => count)))}</span>
      </div>
      {rows.length === 0 ? (
        <p class="soft">Nothing.</p>
      ) : (
        <ul class="bars" role="list">
          {rows.map(({ what, reason, count }) => {
            const { title, detail } = refusalInWords(what, reason)
            const search = new URLSearchParams({ name: what, ...(reason === '' ? {} : { text: reason }) })
            return (
              <li key={`${what} ${reason}`}>
                <a class="bar" href={router.href(`log?${search}`)}>
                  <span class="bar-words">
                    {title}
                    {detail === '' ? null : <span class="faint small">{detail}</span>}
                  </span>
                  <span class="num">{formatNumber(count)}</span>
                  <span class="bar-fill" style={{ inlineSize: `${(count / most) * 100}%` }} />
                </a>
              </li>
            )
          })}
        </ul>
      )}
    </section>
  )
}

function Destinations({
  shape,
}: {
  shape: Asked<{ domains: { domain: string; total: number }[] }>
}): JSX.Element {
  return (
    <section class="card">
      <div class="card-head">
        <h2 class="card-title">Waiting, by domain</h2>
      </div>
      <Shown of={shape} title="The queue could not be read">
        {({ domains }) => {
          const rows = domains.slice(0, 8)
          const most = Math.max(1, ...rows.map(({ total }) => total))
          return rows.length === 0 ? (
            <p class="soft">Nothing waits.</p>
          ) : (
            <ul class="bars" role="list">
              {rows.map(({ domain, total }) => (
                <li key={domain}>
                  <a class="bar" href={router.href(`queue?${new URLSearchParams({ domain })}`)}>
                    <span class="bar-words cut">{domain}</span>
                    <span class="num">{formatNumber(total)}</span>
                    <span class="bar-fill bar-fill-2" style={{ inlineSize: `${(total / most) * 100}%` }} />
                  </a>
                </li>
              ))}
            </ul>
          )
        }}
      </Shown>
    </section>
  )
}

function Trouble(): JSX.Element {
  const log = useAsked('server.log', { level: 'warn', limit: 8 }, { every: 5000 })
  return (
    <section class="card">
      <div class="card-head">
        <h2 class="card-title">Warnings and errors</h2>
        <a class="small" href={router.href('log?level=warn')}>
          All in the log
        </a>
      </div>
      <Shown of={log} title="The log could not be read">
        {(records) =>
          records.length === 0 ? (
            <p class="soft">None that is remembered.</p>
          ) : (
            <ul class="events" role="list">
              {records.map(({ seq, at, name, level, fields }) => {
                const told = tellEvent({ name, fields })
                return (
                  <li key={seq} class="event-line">
                    <time class="num faint small" title={formatDate(Date.parse(at))}>
                      {formatTime(Date.parse(at))}
                    </time>
                    <Badge tone={levelTones[level]}>{level}</Badge>
                    <span class="cut">
                      {told?.title ?? name}{' '}
                      <span class="faint small">{told?.detail ?? fieldsInLine(fields)}</span>
                    </span>
                  </li>
                )
              })}
            </ul>
          )
        }
      </Shown>
    </section>
  )
}

function About({ now }: { now: Overview }): JSX.Element {
  const { version, profile, started, uptime, listeners, connections, domains, accounts, aliases } = now
  return (
    <section class="card">
      <div class="card-head">
        <h2 class="card-title">This server</h2>
        <Badge>{profile}</Badge>
      </div>
      <dl class="facts">
        <dt>Posthorn</dt>
        <dd>
          {version}, running for <span title={formatDate(Date.parse(started))}>{formatDuration(uptime)}</span>
        </dd>
        <dt>Serves</dt>
        <dd>
          <a href={router.href('domains')}>{plural(domains, 'domain')}</a>,{' '}
          <a href={router.href('accounts')}>{plural(accounts, 'account')}</a>,{' '}
          <a href={router.href('aliases')}>{plural(aliases, 'alias', 'aliases')}</a>
        </dd>
        <dt>Listens</dt>
        <dd>
          <ul class="listeners" role="list">
            {listeners.map(({ service, address, port, tls }) => (
              <li key={`${address} ${port}`}>
                <span class="mono">
                  {address.includes(':') ? `[${address}]` : address}:{port}
                </span>{' '}
                {service}
                <span class="faint small">
                  {tls === 'none' ? ', no TLS' : tls === 'implicit' ? ', TLS' : ', STARTTLS'}
                </span>
              </li>
            ))}
          </ul>
        </dd>
        <dt>Open now</dt>
        <dd>
          {Object.entries(connections)
            .map(([service, count]) => `${service} ${count}`)
            .join(', ') || 'nothing'}
        </dd>
      </dl>
    </section>
  )
}

/** Recipients, as the server's samples count them. */
function waitingNow(now: Overview | null): number {
  if (now === null) return 0
  const { waiting, active, held } = now.queue
  return waiting + active + held
}

export function OverviewPage(): JSX.Element {
  const span = useSignal<Span>('minutes')
  const series = useAsked('server.series', { by: spans[span.value].by }, { every: 3000 })
  const shape = useAsked('queue.shape', {}, { every: 5000 })
  const now = overview.value
  const found = series.value
  const fits = found !== null && (found.step === 1000) === (spans[span.value].by === 'second')
  const bins = fits ? binned(found, span.value, waitingNow(now)) : null
  return (
    <div class="page">
      <PageHead
        title="Overview"
        beside={
          now === null ? null : (
            <span class="soft only-desktop">since {formatRelative(Date.parse(now.started))}</span>
          )
        }
      >
        <Segments
          label="Time shown"
          value={span.value}
          onChange={(value) => (span.value = value)}
          options={Object.entries(spans).map(([value, { label }]) => ({ value: value as Span, label }))}
        />
      </PageHead>
      {now === null ? (
        <Skeleton lines={8} />
      ) : (
        <>
          <Tiles now={now} bins={bins} span={span.value} />
          {bins === null ? <Skeleton lines={6} /> : <Charts bins={bins} />}
          <div class="columns">
            <Refusals now={now} />
            <Destinations shape={shape} />
            <Trouble />
            <About now={now} />
          </div>
        </>
      )}
    </div>
  )
}
