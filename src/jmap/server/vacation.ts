// VacationResponse/get and /set (RFC 8621 §8). What it says is honoured by delivery (`delivery/vacation.ts`).
import type { Clock } from '../../base/clock.ts'
import {
  noVacation,
  readVacation,
  vacationKey,
  vacationKind,
  vacationOf,
  type VacationSettings,
} from '../../delivery/vacation-settings.ts'
import type { Store } from '../../store/store.ts'
import { vacationResponse } from '../proto/capabilities.ts'
import { formatUtcDate, utcDate } from '../proto/date.ts'
import { invalidProperties, refusalOf, SetError } from '../proto/errors.ts'
import { memberOf, type JsonObject } from '../proto/json.ts'
import { applyPatch } from '../proto/patch.ts'
import { boolean, nullable, string, Wrong, type Shape } from '../proto/shape.ts'
import type { AccountCall, JmapModule } from './module.ts'
import { ObjectTypeStore } from './object-type.ts'
import { applyOneByOne, getMethod, setMethod } from './standard-methods.ts'
import { writing } from './state-guard.ts'

export interface VacationParts {
  readonly store: Store
  readonly clock: Pick<Clock, 'now'>
}

/** RFC 8621 §8: "its id is "singleton"". */
const singleton = 'singleton'
const mutable = ['isEnabled', 'fromDate', 'toDate', 'subject', 'textBody', 'htmlBody']

/** The capability `urn:ietf:params:jmap:vacationresponse`: of one's own account alone. */
export function createVacationModule({ store, clock }: VacationParts): JmapModule {
  const type = { name: 'VacationResponse', capability: vacationResponse, kind: vacationKind, letter: 'V' }
  const objects = new ObjectTypeStore(type, { store, now: () => clock.now() })
  return {
    capabilities: [
      {
        uri: vacationResponse,
        server: () => ({}),
        account: ({ isPersonal }) => (isPersonal ? {} : null),
      },
    ],
    methods: [
      getMethod({
        ...{ type: type.name, capability: vacationResponse, properties: ['id', ...mutable], extra: {} },
        async load(call, { ids }) {
          const list = ids === null || ids.includes(singleton) ? [await current(store, call)] : []
          return { state: await objects.state(call.place), list }
        },
      }),
      setMethod({
        ...{ type: type.name, capability: vacationResponse, extra: {} },
        state: (place) => objects.state(place),
        apply: (call, work, { done }) =>
          applyOneByOne(call, work, {
            done,
            // RFC 8620 §5.3 singleton.
            each: {
              create: async () => new SetError('singleton'),
              update: (id, patch) => update(store, call, { id, patch }),
              destroy: async (id) => new SetError(id === singleton ? 'singleton' : 'notFound'),
            },
          }),
      }),
    ],
    types: [
      {
        ...{ name: type.name, capability: vacationResponse, state: (place) => objects.state(place) },
        touchedBy: (change) => change.type === 'objects-changed' && change.kind === vacationKind,
      },
    ],
  }
}

async function current(store: Store, call: AccountCall): Promise<JsonObject> {
  return describe(await readVacation(store, { account: call.place.account.id, now: call.now() }))
}

function describe(settings: VacationSettings): JsonObject {
  const { isEnabled, fromDate, toDate, subject, textBody, htmlBody } = settings
  const dateOf = (time: number | null): string | null => (time === null ? null : formatUtcDate(time))
  return {
    ...{ id: singleton, isEnabled, fromDate: dateOf(fromDate), toDate: dateOf(toDate) },
    ...{ subject, textBody, htmlBody },
  }
}

async function update(
  store: Store,
  call: AccountCall,
  { id, patch }: { readonly id: string; readonly patch: JsonObject },
): Promise<null | SetError> {
  if (id !== singleton) return new SetError('notFound')
  const account = call.place.account.id
  const now = call.now()
  const defaults = { ...describe(noVacation), id: null }
  for (;;) {
    const known = await store.findObject({ account, kind: vacationKind, key: vacationKey, now })
    const patched = applyPatch(describe(vacationOf(known)), patch, { mutable, fixed: ['id'], defaults })
    if (patched instanceof SetError) return patched
    const settings = read(patched.object)
    const refused = refusalOf([patched.refused, settings])
    if (refused !== null || settings instanceof SetError) return refused
    const value = JSON.stringify(settings)
    // RFC 8620 §5.1: what has not changed keeps its state.
    if (value === (known?.value ?? JSON.stringify(noVacation))) return null
    const done = await writing(call, store).changeObjects({
      ...{ account, kind: vacationKind, now },
      ...(known === undefined
        ? { create: [{ key: vacationKey, value }] }
        : { update: [{ id: known.id, value, ifModSeq: known.modSeq }] }),
    })
    if (done.ok) return null
    if (done.reason === 'too-big') return new SetError('tooLarge', 'The response is too long.')
    if (done.reason === 'no-such-account') return new SetError('notFound')
    // Somebody else set it meanwhile: the patch is laid on that.
  }
}

function read(object: JsonObject): VacationSettings | SetError {
  const wrong: string[] = []
  const member = <T>(name: string, shape: Shape<T>, none: T): T => {
    const value = shape(memberOf(object, name))
    if (!(value instanceof Wrong)) return value
    wrong.push(name)
    return none
  }
  const settings: VacationSettings = {
    isEnabled: member('isEnabled', boolean, false),
    fromDate: member('fromDate', nullable(utcDate), null),
    toDate: member('toDate', nullable(utcDate), null),
    subject: member('subject', nullable(string), null),
    textBody: member('textBody', nullable(string), null),
    htmlBody: member('htmlBody', nullable(string), null),
  }
  return wrong.length === 0 ? settings : invalidProperties(wrong)
}
