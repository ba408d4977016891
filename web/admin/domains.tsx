// Domains: which there are, adding and removing them, and the DNS records that each wants.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { formatDate, formatShortDate, plural } from '../shared/format.ts'
import { useShortcuts } from '../shared/keys.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { confirm, Dialog } from '../shared/ui/dialog.tsx'
import { TextField } from '../shared/ui/field.tsx'
import { Menu } from '../shared/ui/menu.tsx'
import { Empty, Notice } from '../shared/ui/states.tsx'
import { Table } from '../shared/ui/table.tsx'
import { toast, toastError } from '../shared/ui/toast.tsx'
import { useAsked } from './asked.ts'
import { FormDialog } from './form-dialog.tsx'
import { Count, FilterField, PageHead } from './head.tsx'
import { ask, type Domain } from './operations.ts'
import { copyText } from '../shared/ui/copy.ts'
import { Shown } from './shown.tsx'
import { overview, router } from './state.ts'

function AddDomain({ onClose, onAdded }: { onClose: () => void; onAdded: () => void }): JSX.Element {
  const name = useSignal('')
  return (
    <FormDialog
      title="Add a domain"
      action="Add"
      disabled={name.value.trim() === ''}
      onClose={onClose}
      onSubmit={async () => {
        const { display } = await ask('domain.add', { name: name.value.trim() })
        toast(`Mail for ${display} is taken now`)
        onAdded()
      }}
    >
      <TextField
        label="Name"
        hint="Mail for it is taken at once. The world learns of it by DNS: the records are shown after adding."
        placeholder="example.org"
        autofocus
        autocapitalize="off"
        spellcheck={false}
        value={name.value}
        onInput={(value) => (name.value = value)}
      />
    </FormDialog>
  )
}

interface DnsRecord {
  readonly name: string
  readonly type: string
  readonly value: string
  readonly why: string
}

/** What the names of this server say; what stands in DNS nobody has looked up. */
function recordsOf({ name }: Domain): DnsRecord[] {
  const host = overview.value?.hostname ?? 'this host'
  const services = new Set(overview.value?.listeners.map(({ service, tls }) => `${service} ${tls}`))
  const portOf = (service: string, tls: string): number =>
    overview.value?.listeners.find((one) => one.service === service && one.tls === tls)?.port ?? 0
  const srv = (label: string, service: string, tls: string, why: string): DnsRecord[] =>
    services.has(`${service} ${tls}`)
      ? [{ name: `${label}.${name}.`, type: 'SRV', value: `0 1 ${portOf(service, tls)} ${host}.`, why }]
      : []
  return [
    { name: `${name}.`, type: 'MX', value: `10 ${host}.`, why: 'Other hosts bring mail here.' },
    {
      name: `${name}.`,
      type: 'TXT',
      value: '"v=spf1 mx -all"',
      why: 'Mail of the domain comes from its mail host alone (SPF). Widen it where others send too.',
    },
    ...srv('_submissions._tcp', 'submission', 'implicit', 'Programs find where to send.'),
    ...srv('_submission._tcp', 'submission', 'starttls', 'Programs find where to send.'),
    ...srv('_imaps._tcp', 'imap', 'implicit', 'Programs find where to read.'),
    ...srv('_imap._tcp', 'imap', 'starttls', 'Programs find where to read.'),
    ...srv('_pop3s._tcp', 'pop3', 'implicit', 'Programs find where to fetch.'),
    ...srv('_jmap._tcp', 'http', 'implicit', 'JMAP programs find this server.'),
  ]
}

function DnsDialog({ domain, onClose }: { domain: Domain; onClose: () => void }): JSX.Element {
  const records = recordsOf(domain)
  const zone = records.map(({ name, type, value }) => `${name} IN ${type} ${value}`).join('\n')
  return (
    <Dialog
      title={`DNS of ${domain.display}`}
      wide
      onClose={onClose}
      foot={
        <>
          <Button icon="copy" onClick={() => void copyText(zone, 'Records')}>
            Copy as a zone file
          </Button>
          <Button tone="primary" onClick={onClose}>
            Done
          </Button>
        </>
      }
    >
      <Notice>
        From the names of this server: {overview.value?.hostname} itself also wants A and AAAA records, and a
        PTR record of its address. Nobody has looked up what stands in DNS now.
      </Notice>
      <ul class="records" role="list">
        {records.map(({ name, type, value, why }) => (
          <li key={`${name}${type}`}>
            <div class="row row-wrap">
              <Badge tone="link">{type}</Badge>
              <code class="cut">{name}</code>
              <code class="grow record-value">{value}</code>
              <IconButton
                icon="copy"
                size="small"
                label={`Copy the ${type} record of ${name}`}
                onClick={() => void copyText(value, 'Value')}
              />
            </div>
            <p class="faint small">{why}</p>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}

interface DomainTableProps {
  readonly rows: readonly Domain[]
  readonly showDns: (domain: Domain) => void
  readonly remove: (domain: Domain) => void
}

function DomainTable({ rows, showDns, remove }: DomainTableProps): JSX.Element {
  return (
    <Table
      label="Domains"
      keyOf={({ name }) => name}
      sorted="name"
      rows={rows}
      empty={<Empty title="No domain fits" picture="search" />}
      columns={[
        {
          name: 'name',
          head: 'Domain',
          sortBy: ({ display }) => display,
          cell: ({ name, display }) => (
            <>
              <strong>{display}</strong>
              {display === name ? null : <span class="faint small mono"> {name}</span>}
            </>
          ),
        },
        {
          name: 'accounts',
          head: 'Accounts',
          end: true,
          sortBy: ({ accounts }) => accounts,
          cell: ({ display, accounts }) => (
            <a href={router.href(`accounts?${new URLSearchParams({ q: `@${display}` })}`)}>{accounts}</a>
          ),
        },
        {
          name: 'aliases',
          head: 'Aliases',
          end: true,
          sortBy: ({ aliases }) => aliases,
          cell: ({ display, aliases }) => (
            <a href={router.href(`aliases?${new URLSearchParams({ q: `@${display}` })}`)}>{aliases}</a>
          ),
        },
        {
          name: 'created',
          minor: true,
          head: 'Added',
          sortBy: ({ createdAt }) => createdAt,
          cell: ({ createdAt }) => <time title={formatDate(createdAt)}>{formatShortDate(createdAt)}</time>,
        },
        {
          name: 'more',
          head: <span class="visually-hidden">Actions</span>,
          end: true,
          cell: (domain) => (
            <span class="row row-end">
              <Button size="small" onClick={() => showDns(domain)}>
                DNS
              </Button>
              <Menu
                label={domain.display}
                align="end"
                trigger={(attributes) => (
                  <IconButton {...attributes} icon="more" size="small" label={`More of ${domain.display}`} />
                )}
                entries={[
                  {
                    label: 'Remove',
                    icon: 'trash',
                    danger: true,
                    run: () => remove(domain),
                  },
                ]}
              />
            </span>
          ),
        },
      ]}
    />
  )
}

export function DomainsPage(): JSX.Element {
  const domains = useAsked('domain.list')
  const filter = useSignal('')
  const adding = useSignal(router.location.value.query.has('add'))
  const dns = useSignal<Domain | null>(null)
  useShortcuts('Page', [{ keys: 'n', label: 'Add a domain', run: () => (adding.value = true) }])
  const remove = async ({ name, display, accounts, aliases }: Domain): Promise<void> => {
    const left = accounts + aliases
    const yes = await confirm({
      title: `Remove ${display}?`,
      text:
        left > 0
          ? `It still has ${plural(left, 'address', 'addresses')}; the server removes it only without any.`
          : 'Mail for it is refused from then on.',
      confirm: 'Remove',
      danger: true,
    })
    if (!yes) return
    try {
      await ask('domain.remove', { name })
      toast(`${display} is removed`)
      await domains.reload()
    } catch (error) {
      toastError(error, `${display} was not removed`)
    }
  }
  const wanted = filter.value.trim().toLowerCase()
  return (
    <div class="page">
      <PageHead title="Domains" beside={<Count of={domains.value?.length} />}>
        <Button tone="primary" icon="plus" onClick={() => (adding.value = true)}>
          Add a domain
        </Button>
      </PageHead>
      <Shown of={domains} title="The domains could not be read">
        {(all) =>
          all.length === 0 ? (
            <Empty title="No domain yet">
              <p>Add the domain whose mail this server shall take.</p>
              <Button icon="plus" onClick={() => (adding.value = true)}>
                Add a domain
              </Button>
            </Empty>
          ) : (
            <>
              {all.length > 8 ? (
                <FilterField
                  label="Find a domain"
                  value={filter.value}
                  onInput={(text) => (filter.value = text)}
                />
              ) : null}
              <DomainTable
                rows={all.filter(({ name, display }) => name.includes(wanted) || display.includes(wanted))}
                showDns={(domain) => (dns.value = domain)}
                remove={(domain) => void remove(domain)}
              />
            </>
          )
        }
      </Shown>
      {adding.value ? (
        <AddDomain
          onClose={() => (adding.value = false)}
          onAdded={() => {
            adding.value = false
            void domains.reload()
          }}
        />
      ) : null}
      {dns.value === null ? null : <DnsDialog domain={dns.value} onClose={() => (dns.value = null)} />}
    </div>
  )
}
