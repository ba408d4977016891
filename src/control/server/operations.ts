// What can be administered, by name: one table for the command line that finds a running server and for the one that opens the
// store itself. Arguments are checked here, since they may come over a socket; results are plain data.
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { Secret } from '../../base/secret.ts'
import type { Config } from '../../config/schema.ts'
import type { Submitter } from '../../delivery/submitter.ts'
import type { Terminals } from '../../delivery/terminals.ts'
import { type Administered, Administration } from '../../directory/administration.ts'
import type { Directory } from '../../directory/directory.ts'
import type { Logins } from '../../directory/logins.ts'
import type { OpenConnections } from '../../directory/open-connections.ts'
import type { Events } from '../../events/event.ts'
import type { Metrics } from '../../events/metrics.ts'
import { displayAddress } from '../../mail/address.ts'
import type { QueueAdmin } from '../../queue/admin.ts'
import type { Account } from '../../store/model.ts'
import type { Store } from '../../store/store.ts'
import {
  operation,
  type Operation,
  type OperationTable,
  RefusedOperation,
  tableOperations,
  question,
} from './operation.ts'
import { loginOperations } from './login-operations.ts'
import { mailOperations } from './mail-operations.ts'
import { searchOperations, type SearchIndexing } from './search-operations.ts'
import { queueOperations } from './queue-operations.ts'
import { transferOperations } from './transfer-operations.ts'
import { terminalOperations } from './terminal-operations.ts'

export interface AdminParts {
  readonly directory: Directory
  readonly logins: Logins
  readonly connections: OpenConnections
  readonly terminals: Terminals
  readonly submitter: Submitter
  readonly queueAdmin: QueueAdmin
  readonly search: SearchIndexing
  readonly store: Store
  readonly config: Config
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly metrics: Metrics
}

/** An account as it is shown. */
export interface ShownAccount {
  readonly address: string
  /** The address with its domain as people write it. */
  readonly display: string
  readonly id: number
  readonly state: Account['state']
  readonly role: Account['role']
  readonly messages: number
  readonly bytes: number
  readonly quotaBytes: number | null
  readonly quotaMessages: number | null
  readonly quotaMailboxes: number | null
  readonly quotaAnnotations: number | null
  readonly hiddenCapabilities: readonly string[]
  readonly created: string
}

/** The table over one store. */
export function createAdminOperations(parts: AdminParts): OperationTable {
  const { auth, directory } = parts.config
  const administration = new Administration({ ...parts, auth, directory })
  const table: Record<string, Operation> = {
    ...domainOperations(administration),
    ...accountOperations(administration),
    ...accountChangeOperations(administration),
    ...loginOperations({ ...parts, administration }),
    ...aliasOperations(administration),
    ...serverOperations(parts),
    ...terminalOperations(parts),
    ...mailOperations(parts),
    ...queueOperations(parts),
    ...searchOperations(parts),
    ...transferOperations(parts),
  }
  return tableOperations(table, parts)
}

const named = z.strictObject({ name: z.string() })
const addressed = z.strictObject({ address: z.string() })
const nothing = z.strictObject({}).optional()
const amount = z.int().nonnegative().nullable()
const quota = z.strictObject({ bytes: amount, messages: amount })

const role = z.enum(['user', 'admin'])

const accountChange = z.strictObject({
  address: z.string(),
  quota: z
    .strictObject({
      bytes: amount.optional(),
      messages: amount.optional(),
      mailboxes: amount.optional(),
      annotations: amount.optional(),
    })
    .optional(),
  hide: z.array(z.string()).optional(),
  show: z.array(z.string()).optional(),
  role: role.optional(),
})

function domainOperations(administration: Administration): Record<string, Operation> {
  return {
    'domain.add': operation(named, async ({ name }, { operator }) =>
      granted(await administration.as(operator).addDomain(name)),
    ),
    'domain.list': question(nothing, () => administration.listDomains()),
    'domain.remove': operation(named, async ({ name }, { operator }) =>
      granted(await administration.as(operator).removeDomain(name)),
    ),
  }
}

function accountOperations(administration: Administration): Record<string, Operation> {
  return {
    'account.add': operation(
      z.strictObject({
        address: z.string(),
        password: z.string(),
        quota: quota.optional(),
        role: role.optional(),
      }),
      async ({ address, password, quota: limits, role: wanted }, { operator }) => {
        const request = {
          address,
          password: new Secret(password),
          ...(limits === undefined ? {} : { quota: limits }),
          ...(wanted === undefined ? {} : { role: wanted }),
        }
        const { account } = granted(await administration.as(operator).addAccount(request))
        return shownAccount(account)
      },
    ),
    'account.list': question(nothing, async () => {
      const shown: ShownAccount[] = []
      for (let after: string | undefined; ;) {
        const page = await administration.listAccounts({
          limit: 1000,
          ...(after === undefined ? {} : { after }),
        })
        shown.push(...page.map(shownAccount))
        after = page.at(-1)?.address
        if (after === undefined || page.length < 1000) return shown
      }
    }),
    'account.password': operation(
      z.strictObject({ address: z.string(), password: z.string() }),
      async ({ address, password }, { operator }) =>
        granted(await administration.as(operator).setPassword(address, new Secret(password))),
    ),
    'account.quota': operation(
      z.strictObject({ address: z.string(), quota }),
      async ({ address, quota: limits }, { operator }) =>
        granted(await administration.as(operator).setQuota(address, limits)),
    ),
  }
}

function accountChangeOperations(administration: Administration): Record<string, Operation> {
  return {
    'account.set': operation(
      accountChange,
      async ({ address, quota: limits, hide, show, role: wanted }, { operator }) => {
        const change = {
          ...(limits === undefined ? {} : { quota: present(limits) }),
          ...(hide === undefined ? {} : { hide }),
          ...(show === undefined ? {} : { show }),
          ...(wanted === undefined ? {} : { role: wanted }),
        }
        const { account } = granted(await administration.as(operator).changeAccount(address, change))
        return shownAccount(account)
      },
    ),
    'account.state': operation(
      z.strictObject({ address: z.string(), state: z.enum(['active', 'disabled']) }),
      async ({ address, state }, { operator }) =>
        granted(await administration.as(operator).setState(address, state)),
    ),
    'account.remove': operation(addressed, async ({ address }, { operator }) =>
      granted(await administration.as(operator).removeAccount(address)),
    ),
    'account.import': operation(
      z.strictObject({ lines: z.array(z.string()) }),
      ({ lines }, { onProgress, operator }) =>
        administration.as(operator).importAccounts(lines, ({ done, total }) => onProgress(done, total)),
    ),
  }
}

function aliasOperations(administration: Administration): Record<string, Operation> {
  return {
    'alias.set': operation(
      z.strictObject({
        address: z.string(),
        targets: z.array(z.string()),
        owner: z.string().nullable().default(null),
      }),
      async ({ address, targets, owner }, { operator }) =>
        withDisplay(granted(await administration.as(operator).setAlias(address, targets, { owner }))),
    ),
    'alias.list': question(z.strictObject({ domain: z.string().optional() }).optional(), async (parameters) =>
      (await administration.listAliases(parameters?.domain)).map(withDisplay),
    ),
    'alias.remove': operation(addressed, async ({ address }, { operator }) =>
      granted(await administration.as(operator).removeAlias(address)),
    ),
  }
}

function serverOperations({ store, metrics, clock }: AdminParts): Record<string, Operation> {
  return {
    'store.audit': question(nothing, (_, { onProgress }) => store.audit({ onProgress })),
    'store.collect': operation(nothing, () => store.collectGarbage({ now: clock.now() })),
    'server.metrics': question(nothing, () => metrics.text()),
  }
}

/** What a successful change gives beside `ok`; a refusal becomes its sentence. */
/** Without its `ok`, which says nothing in a result that people see. */
function granted<T extends object>(administered: Administered<T>): Omit<{ readonly ok: true } & T, 'ok'> {
  if (!administered.ok) throw new RefusedOperation(administered.message)
  const { ok: _ok, ...result } = administered
  return result
}

/** Without what is undefined. */
function present<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  // The same keys, less those whose value was undefined.
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}

function withDisplay<T extends { readonly address: string }>(one: T): T & { readonly display: string } {
  return { ...one, display: displayAddress(one.address) }
}

function shownAccount(account: Account): ShownAccount {
  return {
    address: account.address,
    display: displayAddress(account.address),
    id: account.id,
    state: account.state,
    role: account.role,
    messages: account.used.messages,
    bytes: account.used.bytes,
    quotaBytes: account.quota.bytes,
    quotaMessages: account.quota.messages,
    quotaMailboxes: account.quota.mailboxes ?? null,
    quotaAnnotations: account.quota.annotations ?? null,
    hiddenCapabilities: account.hiddenCapabilities,
    created: new Date(account.createdAt).toISOString(),
  }
}
