// A `JmapHouse` with mail: all of the methods that read and change it.
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { VirtualClock } from '../../src/base/virtual-clock.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import type { Config, ConfigInput } from '../../src/config/schema.ts'
import { createDirectory } from '../../src/directory/create.ts'
import type { Directory } from '../../src/directory/directory.ts'
import { createEvents } from '../../src/events/event.ts'
import { createEmailSight } from '../../src/jmap/server/email-sight.ts'
import { createMailModule } from '../../src/jmap/server/mail-module.ts'
import { MailAccess } from '../../src/jmap/server/mail-access.ts'
import type { JmapModule } from '../../src/jmap/server/module.ts'
import { createSubmissionModule } from '../../src/jmap/server/submission.ts'
import { createVacationModule } from '../../src/jmap/server/vacation.ts'
import { ingest } from '../../src/store/ingest.ts'
import type { Account } from '../../src/store/model.ts'
import type { Store } from '../../src/store/store.ts'
import { createWayIn, type WayIn } from '../../src/wiring/way-in.ts'
import type { JsonObject } from '../../src/jmap/proto/json.ts'
import { type Answer, type Call, JmapHouse, type JmapHouseOptions } from './jmap-house.ts'
import { type Ending, testStore } from './store.ts'

export type { Ending } from './store.ts'

/** What a response holds, to be looked into without a cast at each step. */
// oxlint-disable-next-line no-explicit-any -- answers of many shapes, each judged by its test
export type Loose = Record<string, any>

/** Strings in order. */
export function sorted(list: readonly string[]): string[] {
  return [...list].toSorted()
}

const mail = 'urn:ietf:params:jmap:mail'
export const mailUsing = [
  ...['urn:ietf:params:jmap:core', mail, 'urn:ietf:params:jmap:submission'],
  'urn:ietf:params:jmap:vacationresponse',
]

export interface MailHouse {
  readonly house: JmapHouse
  /** How all mail comes in. */
  readonly wayIn: WayIn
  readonly ann: Account
  call(name: string, args: object, as?: Account): Promise<JsonObject>
  calls(calls: readonly Call[], as?: Account): Promise<readonly Answer[]>
  /** JMAP's id of an account's mailbox. */
  mailbox(name: string, of?: Account): Promise<string>
}

export async function mailHouse(
  context: Ending,
  options: Omit<JmapHouseOptions, 'modules' | 'sight'> & {
    readonly maxMessageSize?: number
    readonly settings?: ConfigInput
  } = {},
): Promise<MailHouse> {
  let module: JmapModule = { capabilities: [], methods: [], types: [] }
  // The access needs the store that the house makes, so the module is filled in behind it.
  const store = options.store ?? (await testStore(context))
  const holder: { access: MailAccess | null } = { access: null }
  const clock = new VirtualClock()
  const { wayIn, directory, config } = await makeWayIn(store, clock, options.settings ?? {})
  const house = await JmapHouse.open(context, {
    ...options,
    ...{ store, clock },
    sight: { find: (place, email) => sightOf(holder).find(place, email) },
    modules: (blobs) => {
      const access = new MailAccess({ store, memory: 1e8, now: () => clock.now() })
      holder.access = access
      context.after(() => access.close())
      module = createMailModule({
        ...{ store, access, blobs, random: new SeededRandom(3), hostname: 'mail.x.test' },
        ...{ clock, searcher: null, searched: { header: 100_000, text: 1_000_000 } },
        searchRounds: 20,
        maxMessageSize: options.maxMessageSize ?? 1_000_000,
        stage: () => ingest({ blobs: store.blobs }),
        limits: {
          maxAttachmentsSize: 500_000,
          ...{ maxMailboxName: 200, maxMailboxDepth: 10, maxMailboxPath: 500 },
        },
      })
      return [
        module,
        createSubmissionModule({
          ...{ store, directory, clock, access, submitter: wayIn.submitter, random: new SeededRandom(5) },
          ...{ config: config.submission, maxRecipients: 100, webhooks: 'off' },
          maxMessageSize: options.maxMessageSize ?? 1_000_000,
        }),
        createVacationModule({ store, clock }),
      ]
    },
  })
  const ann = await house.account('ann')
  return {
    ...{ house, ann, wayIn },
    call: (name, args, as = ann) => house.call(as, name, { accountId: `A${as.id}`, ...args }, mailUsing),
    calls: (calls, as = ann) =>
      house.calls(
        as,
        calls.map(([name, args, id]) => [name, { accountId: `A${as.id}`, ...args }, id]),
        mailUsing,
      ),
    async mailbox(name, of = ann) {
      const found = await store.findMailbox({ account: of.id, name })
      return `F${of.id}_${found?.id ?? 0}`
    },
  }
}

async function makeWayIn(
  store: Store,
  clock: VirtualClock,
  settings: ConfigInput,
): Promise<{ wayIn: WayIn; directory: Directory; config: Config }> {
  const config = resolveConfig([
    { name: 'test', settings: { hostname: 'mail.x.test' } },
    { name: 'options', settings },
  ])
  const random = new SeededRandom(9)
  const events = createEvents([])
  const secret = await store.installationSecret(random.bytes(32))
  const common = { store, clock, random, events, auth: config.auth }
  const directory = createDirectory({ ...common, directory: config.directory, serverSecret: secret })
  const parts = {
    config,
    store,
    directory,
    clock,
    random,
    events,
    secret,
    checkpoint: undefined,
    policy: null,
    around: null,
  }
  return { wayIn: createWayIn(parts), directory, config }
}

function sightOf({ access }: { access: MailAccess | null }) {
  if (access === null) throw new Error('the house is not built')
  return createEmailSight(access)
}
