// What an account answers while its owner is away (RFC 8621 §8): one object of the account, as JSON.
import type { AccountId } from '../store/model.ts'
import type { ObjectStore, StoredObject } from '../store/objects.ts'

/** The kind of the object, and its key: "There MUST only be exactly one VacationResponse object in an account". */
export const vacationKind = 'vacation'
export const vacationKey = 'singleton'

export interface VacationSettings {
  readonly isEnabled: boolean
  /** Milliseconds since the epoch; null: at once, and for ever. */
  readonly fromDate: number | null
  readonly toDate: number | null
  readonly subject: string | null
  readonly textBody: string | null
  readonly htmlBody: string | null
}

/** Of an account that never set any. */
export const noVacation: VacationSettings = {
  isEnabled: false,
  fromDate: null,
  toDate: null,
  subject: null,
  textBody: null,
  htmlBody: null,
}

export async function readVacation(
  store: Pick<ObjectStore, 'findObject'>,
  { account, now }: { readonly account: AccountId; readonly now: number },
): Promise<VacationSettings> {
  return vacationOf(await store.findObject({ account, kind: vacationKind, key: vacationKey, now }))
}

export function vacationOf(object: Pick<StoredObject, 'value'> | undefined): VacationSettings {
  // What is kept was checked when it was set.
  return object === undefined ? noVacation : { ...noVacation, ...JSON.parse(object.value) }
}

/** RFC 8621 §8: "on or after the "fromDate"", "before the "toDate"". */
export function isAway(settings: VacationSettings, now: number): boolean {
  const { isEnabled, fromDate, toDate } = settings
  return isEnabled && (fromDate === null || now >= fromDate) && (toDate === null || now < toDate)
}
