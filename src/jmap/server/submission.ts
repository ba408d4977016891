// EmailSubmission/get, /changes, /query, /queryChanges and /set (RFC 8621 §7).
import { encodeObjectId } from '../../mail/object-id.ts'
import type { AccountId } from '../../store/model.ts'
import type { StoredObject } from '../../store/objects.ts'
import { submissionKind } from '../../store/submissions.ts'
import { submission } from '../proto/capabilities.ts'
import { utcDate } from '../proto/date.ts'
import { MethodError, SetError, invalidProperties, refusalOf } from '../proto/errors.ts'
import { matches } from '../proto/filter.ts'
import { memberOf, objectOf, type JsonObject } from '../proto/json.ts'
import { applyPatch } from '../proto/patch.ts'
import {
  anyObject,
  id,
  idOrReference,
  listOf,
  mapOf,
  nullable,
  optional,
  record,
  string,
} from '../proto/shape.ts'
import type { Comparator, Filter } from '../proto/standard.ts'
import { identityMethods, identityState, identityStore } from './identity.ts'
import type { AccountCall, ImplicitCall, JmapModule, Method, PushedType } from './module.ts'
import type { ObjectTypeStore } from './object-type.ts'
import { queryChangesMethod, queryMethod, resultList } from './query-methods.ts'
import { applyOneByOne, getMethod, type SetDone, setMethod } from './standard-methods.ts'
import { submissionExtensions } from './submission-envelope.ts'
import { describeSubmission, liveSubmissions, submissionStore } from './submission-records.ts'
import { writing } from './state-guard.ts'
import { send, type SubmissionParts } from './submission-send.ts'

/** The capability `urn:ietf:params:jmap:submission`: of one's own account alone. */
export function createSubmissionModule(parts: SubmissionParts): JmapModule {
  const submissions = submissionStore({ store: parts.store, now: () => parts.clock.now() })
  const identities = identityStore(parts)
  const { maxHold } = parts.config
  return {
    capabilities: [
      {
        uri: submission,
        server: () => ({}),
        account: ({ isPersonal }) =>
          isPersonal
            ? {
                maxDelayedSend: Math.floor(maxHold / 1000),
                submissionExtensions: submissionExtensions(parts.config, {
                  maxMessageSize: parts.maxMessageSize,
                  now: parts.clock.now(),
                }),
              }
            : null,
      },
    ],
    methods: [
      ...identityMethods(parts),
      ...readingMethods(parts, submissions),
      submissionSetMethod(parts, { submissions, identities }),
    ],
    types: [
      pushed(submissions, (place) => submissions.state(place)),
      pushed(identities, (place) => identityState(parts, identities, place)),
    ],
  }
}

function pushed({ type }: ObjectTypeStore, state: PushedType['state']): PushedType {
  return {
    ...{ name: type.name, capability: submission, state },
    touchedBy: (change) => change.type === 'objects-changed' && change.kind === type.kind,
  }
}

const fixed = [
  ...['id', 'identityId', 'emailId', 'threadId', 'envelope', 'sendAt', 'deliveryStatus'],
  ...['dsnBlobIds', 'mdnBlobIds'],
]

function readingMethods(parts: SubmissionParts, submissions: ObjectTypeStore): readonly Method[] {
  const type = { type: 'EmailSubmission', capability: submission } as const
  const sorting = { condition, sortable: ['emailId', 'threadId', 'sentAt', 'sendAt'], extra: {} }
  return [
    getMethod({
      ...{ ...type, properties: [...fixed, 'undoStatus'], extra: {} },
      async load(call, { ids }) {
        const list = await described(parts, submissions, { call, ids })
        return { state: await submissions.state(call.place), list }
      },
    }),
    submissions.changesMethod(),
    queryMethod({
      ...{ ...type, ...sorting },
      async run(call, { filter, sort }) {
        const queryState = await submissions.state(call.place)
        const results = resultList(await matching(parts, submissions, { call, filter, sort }))
        return { results, queryState, canCalculateChanges: true }
      },
    }),
    queryChangesMethod({
      ...{ ...type, ...sorting },
      async run(call, { filter, sort, sinceQueryState }) {
        const since = await submissions.since(call.place, sinceQueryState)
        if (since === undefined) return new MethodError('cannotCalculateChanges')
        const ids = await matching(parts, submissions, { call, filter, sort })
        const idOf = (number: StoredObject['id']): string => submissions.idOf(call.place.account.id, number)
        // RFC 8620 §5.6: `undoStatus` is mutable, so that all that changed is taken out and put back where it is now.
        const removed = [...since.updated, ...since.destroyed].map(idOf)
        const fresh = new Set([...since.created, ...since.updated].map(idOf))
        const added = ids.flatMap((one, index) => (fresh.has(one) ? [{ id: one, index }] : []))
        return { newQueryState: String(since.modSeq), removed, added, total: ids.length }
      },
    }),
  ]
}

async function described(
  { store }: SubmissionParts,
  submissions: ObjectTypeStore,
  { call, ids }: { readonly call: AccountCall; readonly ids: readonly string[] | null },
): Promise<JsonObject[]> {
  const account = call.place.account.id
  const objects = await submissions.load(account, ids)
  const live = await liveSubmissions(store, { account, objects, now: call.now() })
  return live.map((one) => describeSubmission(submissions, account, one))
}

/** RFC 8621 §7.3. */
const condition = record({
  identityIds: optional(listOf(id)),
  emailIds: optional(listOf(id)),
  threadIds: optional(listOf(id)),
  undoStatus: optional(string),
  before: optional(utcDate),
  after: optional(utcDate),
})

type Condition = Exclude<ReturnType<typeof condition>, { readonly wanted: string }>

async function matching(
  parts: SubmissionParts,
  submissions: ObjectTypeStore,
  query: { call: AccountCall; filter: Filter<Condition> | null; sort: readonly Comparator[] },
): Promise<string[]> {
  const { call, filter, sort } = query
  const all = await described(parts, submissions, { call, ids: null })
  const found = all.filter((one) => matches(filter, (condition) => meets(one, condition)))
  const order = found.toSorted((one, other) => compare(one, other, sort))
  return order.map((one) => textOf(one, 'id'))
}

function meets(one: JsonObject, wanted: Condition): boolean {
  const among = (list: readonly string[] | undefined, name: string): boolean =>
    list === undefined || list.includes(textOf(one, name))
  const sendAt = Date.parse(textOf(one, 'sendAt'))
  return (
    among(wanted.identityIds, 'identityId') &&
    among(wanted.emailIds, 'emailId') &&
    among(wanted.threadIds, 'threadId') &&
    (wanted.undoStatus === undefined || wanted.undoStatus === textOf(one, 'undoStatus')) &&
    (wanted.before === undefined || sendAt < wanted.before) &&
    (wanted.after === undefined || sendAt >= wanted.after)
  )
}

/** RFC 8621 §7.3 calls `sendAt` "sentAt" here. */
function compare(one: JsonObject, other: JsonObject, sort: readonly Comparator[]): number {
  for (const { property, isAscending } of sort) {
    const name = property === 'sentAt' ? 'sendAt' : property
    const [a, b] = [textOf(one, name), textOf(other, name)]
    if (a !== b) return (a < b ? -1 : 1) * (isAscending ? 1 : -1)
  }
  return 0
}

function textOf(object: JsonObject, name: string): string {
  const value = memberOf(object, name)
  return typeof value === 'string' ? value : ''
}

const setArguments = {
  onSuccessUpdateEmail: nullable(mapOf(idOrReference, anyObject)),
  onSuccessDestroyEmail: nullable(listOf(idOrReference)),
}

/** Emails of the submissions that a call was about, by how the client may name these. */
type Emails = Map<string, string>

function submissionSetMethod(
  parts: SubmissionParts,
  {
    submissions,
    identities,
  }: { readonly submissions: ObjectTypeStore; readonly identities: ObjectTypeStore },
): Method {
  const emailsOf = new WeakMap<SetDone, Emails>()
  return setMethod({
    ...{ type: 'EmailSubmission', capability: submission, extra: setArguments },
    state: (place) => submissions.state(place),
    async apply(call, work, { done }) {
      const emails = emailsOf.get(done) ?? new Map<string, string>()
      emailsOf.set(done, emails)
      const account = call.place.account.id
      for (const object of await submissions.load(account, [...work.update.keys(), ...work.destroy])) {
        emails.set(submissions.idOf(account, object.id), emailOf(account, object))
      }
      await applyOneByOne(call, work, {
        done,
        each: {
          async create(creationId, object) {
            const made = await send({ parts, call, submissions, identities }, object)
            if (!(made instanceof SetError)) {
              const emailId = call.createdIds.resolve(textOf(object, 'emailId')) ?? ''
              emails.set(`#${creationId}`, emailId)
              emails.set(textOf(made, 'id'), emailId)
            }
            return made
          },
          update: (id, patch) => update(parts, submissions, { call, id, patch }),
          destroy: (id) => destroy(submissions, call, id),
        },
      })
    },
    then: (call, done, args) => implicit(call, args, successes(done, emailsOf.get(done) ?? new Map())),
  })
}

function emailOf(account: AccountId, { value }: StoredObject): string {
  // Written by `submission-send.ts`.
  const { email } = JSON.parse(value) as { email: number }
  return encodeObjectId('email', account, email)
}

/** Of those that succeeded. */
function successes(done: SetDone, emails: Emails): Emails {
  const good = new Set<string>([...done.updated.keys(), ...done.destroyed])
  for (const [creationId, made] of done.created) {
    good.add(`#${creationId}`)
    good.add(textOf(made, 'id'))
  }
  return new Map([...emails].filter(([name]) => good.has(name)))
}

/** RFC 8621 §7.5: "a single implicit "Email/set" call MUST be made". */
function implicit(
  call: AccountCall,
  args: {
    readonly onSuccessUpdateEmail: ReadonlyMap<string, JsonObject> | null
    readonly onSuccessDestroyEmail: readonly string[] | null
  },
  emails: Emails,
): readonly ImplicitCall[] {
  // Whatever was not made, changed or destroyed by this call has nothing that follows it.
  const emailOfNamed = (name: string): string | undefined =>
    emails.get(name) ?? emails.get(call.createdIds.resolve(name) ?? '')
  const update = new Map<string, JsonObject>()
  for (const [name, patch] of args.onSuccessUpdateEmail ?? []) {
    const email = emailOfNamed(name)
    // Two submissions of one Email: it is one call, which does what both ask for.
    if (email !== undefined) update.set(email, { ...update.get(email), ...patch })
  }
  const destroyed = new Set<string>()
  for (const name of args.onSuccessDestroyEmail ?? []) {
    const email = emailOfNamed(name)
    if (email !== undefined) destroyed.add(email)
  }
  if (update.size + destroyed.size === 0) return []
  return [
    {
      name: 'Email/set',
      arguments: {
        accountId: call.place.id,
        update: update.size === 0 ? null : objectOf(update),
        destroy: destroyed.size === 0 ? null : [...destroyed],
      },
    },
  ]
}

/** RFC 8621 §7: nothing can be changed but `undoStatus`, from pending to canceled. */
async function update(
  { store, clock, webhooks }: SubmissionParts,
  submissions: ObjectTypeStore,
  {
    call,
    id: wanted,
    patch,
  }: { readonly call: AccountCall; readonly id: string; readonly patch: JsonObject },
): Promise<JsonObject | null | SetError> {
  const account = call.place.account.id
  const object = await submissions.find(account, wanted)
  const [live] =
    object === undefined ? [] : await liveSubmissions(store, { account, objects: [object], now: call.now() })
  if (object === undefined || live === undefined) return new SetError('notFound')
  const current = describeSubmission(submissions, account, live)
  const patched = applyPatch(current, patch, { mutable: ['undoStatus'], fixed })
  if (patched instanceof SetError) return patched
  const asked = memberOf(patched.object, 'undoStatus')
  const isStatus = asked === live.undoStatus || asked === 'canceled'
  const refused = refusalOf([
    patched.refused,
    isStatus ? null : invalidProperties(['undoStatus'], 'It can be set to "canceled" alone.'),
  ])
  if (refused !== null) return refused
  if (asked === live.undoStatus) return null
  const late = new SetError('cannotUnsend', 'Somebody has got it already.')
  if (live.undoStatus !== 'pending') return late
  const status = Object.fromEntries(
    Object.entries(live.record.status).map(([email, one]) => [
      email,
      { ...one, smtpReply: '250 2.0.0 Taken back by its sender', delivered: 'no' },
    ]),
  )
  const outcome = await writing(call, store).cancelSubmission({
    ...{ account, id: object.id, name: object.key ?? '', now: clock.now(), webhooks },
    value: JSON.stringify({ ...live.record, canceled: true, isOver: true, status }),
    reason: 'cancelled by its sender',
  })
  // RFC 8620 §5.3: what changed beyond the patch is told.
  return outcome.ok ? { deliveryStatus: objectOf(Object.entries(status)) } : late
}

/** RFC 8621 §7.5: "destroying an EmailSubmission object MUST NOT affect the deliveries it represents". */
async function destroy(
  submissions: ObjectTypeStore,
  call: AccountCall,
  wanted: string,
): Promise<null | SetError> {
  const account = call.place.account.id
  const object = await submissions.find(account, wanted)
  if (object === undefined) return new SetError('notFound')
  const gone = await writing(call, submissions.store).changeObjects({
    ...{ account, kind: submissionKind, destroy: [object.id], now: call.now() },
  })
  return gone.ok ? null : new SetError('notFound')
}
