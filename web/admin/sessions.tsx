// Who is connected now, and who has guessed wrongly so often that he is shut out.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { formatDate, formatRelative, plural } from '../shared/format.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Button } from '../shared/ui/button.tsx'
import { confirm } from '../shared/ui/dialog.tsx'
import { Segments } from '../shared/ui/field.tsx'
import { Empty } from '../shared/ui/states.tsx'
import { Table } from '../shared/ui/table.tsx'
import { toast, toastError } from '../shared/ui/toast.tsx'
import { useAsked } from './asked.ts'
import { FilterField, PageHead } from './head.tsx'
import { type AdminAnswer, ask } from './operations.ts'
import { Shown } from './shown.tsx'
import { overview, pathOf, router } from './state.ts'

type Connection = AdminAnswer<'server.sessions'>[number]
type Throttled = AdminAnswer<'throttle.list'>[number]

const kinds = { network: 'network', name: 'name', 'known-network': 'name from a known network' } as const

interface ConnectionTableProps {
  readonly rows: readonly Connection[]
  /** Said where there are none. */
  readonly nothing: string
  readonly end: (connection: Connection) => void
}

function ConnectionTable({ rows, nothing, end }: ConnectionTableProps): JSX.Element {
  return (
    <Table
      label="Open sessions"
      keyOf={({ id }) => id}
      sorted="-since"
      rows={rows}
      empty={<Empty title={nothing} />}
      columns={[
        {
          name: 'service',
          head: 'Service',
          sortBy: (one) => one.service,
          cell: (one) => <Badge tone="link">{one.service}</Badge>,
        },
        {
          name: 'account',
          head: 'Account',
          sortBy: ({ account }) => account ?? '',
          cell: ({ account }) =>
            account === null ? (
              <span class="faint">nobody</span>
            ) : (
              <a href={router.href(pathOf('accounts', account))}>{account}</a>
            ),
        },
        {
          name: 'from',
          head: 'From',
          sortBy: ({ remoteAddress }) => remoteAddress,
          cell: ({ remoteAddress, remotePort }) => (
            <code>
              {remoteAddress}
              <span class="faint"> port {remotePort}</span>
            </code>
          ),
        },
        {
          name: 'to',
          minor: true,
          head: 'To port',
          end: true,
          sortBy: ({ localPort }) => localPort,
          cell: ({ localPort }) => localPort,
        },
        {
          name: 'since',
          minor: true,
          head: 'Since',
          sortBy: ({ since }) => since,
          cell: ({ since }) => (
            <time class="no-wrap" title={formatDate(Date.parse(since))}>
              {formatRelative(Date.parse(since))}
            </time>
          ),
        },
        {
          name: 'more',
          head: <span class="visually-hidden">Actions</span>,
          end: true,
          cell: (one) => (
            <Button size="small" onClick={() => end(one)}>
              End
            </Button>
          ),
        },
      ]}
    />
  )
}

function Connections(): JSX.Element {
  const sessions = useAsked('server.sessions', {}, { every: 2000 })
  const filter = useSignal('')
  const service = useSignal('all')
  const end = async ({ id, service: what, remoteAddress, account }: Connection): Promise<void> => {
    const question = {
      title: 'End this session?',
      text: `${what} from ${remoteAddress}${account === null ? '' : `, ${account}`}. It ends where no reply is cut; its program may come again.`,
      confirm: 'End it',
    }
    if (!(await confirm(question))) return
    try {
      await ask('server.end-session', { id })
      toast('The session ends')
      await sessions.reload()
    } catch (error) {
      toastError(error)
    }
  }
  const wanted = filter.value.trim().toLowerCase()
  const unlisted = Object.entries(overview.value?.connections ?? {}).filter(
    ([name, count]) => count > 0 && !(sessions.value ?? []).some((one) => one.service === name),
  )
  return (
    <div class="stack">
      <Shown of={sessions} title="The sessions could not be read">
        {(all) => {
          const services = ['all', ...new Set(all.map((one) => one.service))]
          const rows = all.filter(
            (one) =>
              (service.value === 'all' || one.service === service.value) &&
              `${one.remoteAddress} ${one.account ?? ''}`.toLowerCase().includes(wanted),
          )
          return (
            <>
              <div class="row row-wrap">
                <FilterField
                  label="Find by address or account"
                  value={filter.value}
                  onInput={(text) => (filter.value = text)}
                />
                {services.length > 2 ? (
                  <Segments
                    label="Service"
                    value={service.value}
                    onChange={(value) => (service.value = value)}
                    options={services.map((value) => ({ value, label: value }))}
                  />
                ) : null}
              </div>
              <ConnectionTable
                rows={rows}
                nothing={all.length === 0 ? 'Nobody is connected' : 'No session fits'}
                end={(one) => void end(one)}
              />
              {unlisted.length === 0 ? null : (
                <p class="faint small">
                  Counted, not listed: {unlisted.map(([name, count]) => `${name} ${count}`).join(', ')}
                </p>
              )}
            </>
          )
        }}
      </Shown>
    </div>
  )
}

function Bans(): JSX.Element {
  const throttled = useAsked('throttle.list', {}, { every: 4000 })
  const lift = async ({ kind, key }: Throttled): Promise<void> => {
    try {
      await ask('throttle.lift', { kind, key })
      toast(`${key} may try again`)
      await throttled.reload()
    } catch (error) {
      toastError(error)
    }
  }
  const full = throttled.value?.filter(({ isFull }) => isFull).length ?? 0
  return (
    <section class="stack" aria-labelledby="bans">
      <div class="card-head section-head">
        <h2 id="bans" class="section-title">
          Wrong guesses
        </h2>
        {full > 0 ? <Badge tone="bad">{full} shut out</Badge> : null}
      </div>
      <p class="soft">
        Wrong passwords and codes are counted by network and by name. Whoever reaches the limit is shut out
        until the count has run down, or is let in again here. Who comes from a network they have used before
        has a count of their own.
      </p>
      <Shown of={throttled} title="The counts could not be read">
        {(all) => (
          <Table
            label="Counts of wrong guesses"
            keyOf={({ kind, key }) => `${kind} ${key}`}
            rows={all}
            empty={<p class="soft">Nobody has guessed wrongly lately.</p>}
            columns={[
              { name: 'key', head: 'Who', cell: ({ key }) => <code>{key}</code> },
              { name: 'kind', minor: true, head: 'Counted by', cell: ({ kind }) => kinds[kind] },
              {
                name: 'count',
                head: 'Wrong',
                cell: ({ count, limit, isFull }) => (
                  <span class="usage">
                    <span class="num">
                      {count.toFixed(1)} <span class="faint">of {limit}</span>
                    </span>
                    <progress
                      class={`progress ${isFull ? 'progress-bad' : ''}`}
                      max={limit}
                      value={Math.min(limit, count)}
                      aria-label={`${Math.round(count)} of ${limit}`}
                    />
                  </span>
                ),
              },
              {
                name: 'state',
                head: 'State',
                cell: ({ isFull }) => (isFull ? <Badge tone="bad">shut out</Badge> : <Badge>counted</Badge>),
              },
              {
                name: 'more',
                head: <span class="visually-hidden">Actions</span>,
                end: true,
                cell: (one) => (
                  <Button size="small" onClick={() => void lift(one)}>
                    Lift
                  </Button>
                ),
              },
            ]}
          />
        )}
      </Shown>
    </section>
  )
}

export function SessionsPage(): JSX.Element {
  const counts = Object.values(overview.value?.connections ?? {}).reduce((all, one) => all + one, 0)
  return (
    <div class="page">
      <PageHead
        title="Sessions and bans"
        beside={<span class="count-beside num">{plural(counts, 'connection')} open</span>}
      />
      <Connections />
      <Bans />
    </div>
  )
}
