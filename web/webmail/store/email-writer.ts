// Changes of emails on their way to the server: shown at once, sent in the order in which they were made, in groups that the server takes
// (`maxObjectsInSet`). What it refuses is taken back, on top of whatever else has changed since.
//
// What arrives from the server while a change is on its way is older than the change, so that is laid over it (`shown`).
import { refusalOf } from '../../shared/jmap/client.ts'
import type { Email, Id, SetError, SetResponse } from '../../shared/jmap/types.ts'
import { applyPatch, inversePatch, type Patch } from './email-patch.ts'
import type { MailStore } from './mail-store.ts'

/** Emails that one request changes at most, whatever the server allows: others wait for it. */
const largestGroup = 500

export interface WriteOptions {
  /** Hears how many are done, after each group. */
  readonly onProgress?: (done: number) => void
  /** Stops between two groups. */
  readonly stop?: AbortSignal
}

/** What became of many changes. */
export interface Written {
  /** Emails of groups that were answered. */
  readonly done: number
  /** The first refusal. */
  readonly error: Error | null
}

export class EmailWriter {
  readonly #store: MailStore
  readonly #pending = new Map<Id, Patch[]>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(store: MailStore) {
    this.#store = store
  }

  /** The email as it will be when all that was ordered is done. */
  shown(email: Email): Email {
    return (this.#pending.get(email.id) ?? []).reduce(applyPatch, email)
  }

  async update(patches: ReadonlyMap<Id, Patch>, options: WriteOptions = {}): Promise<Written> {
    const back = new Map<Id, Patch>()
    const { emails } = this.#store
    for (const [id, patch] of patches) {
      const email = emails.get(id)
      if (email === undefined) continue
      back.set(id, inversePatch(email, patch))
      this.#pending.set(id, [...(this.#pending.get(id) ?? []), patch])
      emails.set(id, applyPatch(email, patch))
    }
    this.#store.touch()
    const settle = (id: Id, refused: boolean): void => {
      const left = (this.#pending.get(id) ?? []).filter((patch) => patch !== patches.get(id))
      if (left.length === 0) this.#pending.delete(id)
      else this.#pending.set(id, left)
      const [email, inverse] = [emails.get(id), back.get(id)]
      if (refused && email !== undefined && inverse !== undefined) emails.set(id, applyPatch(email, inverse))
    }
    const ids = [...patches.keys()]
    return this.#inTurn(() =>
      this.#inGroups(ids, options, {
        argsOf: (group) => ({ update: Object.fromEntries(group.map((id) => [id, patches.get(id)])) }),
        settle,
      }),
    )
  }

  destroy(ids: readonly Id[], options: WriteOptions = {}): Promise<Written> {
    const settle = (id: Id, refused: boolean): void => {
      if (!refused) this.#store.forget(id)
    }
    return this.#inTurn(() =>
      this.#inGroups(ids, options, { argsOf: (group) => ({ destroy: group }), settle }),
    )
  }

  /** One after the other: an undo that overtook what it undoes would be undone by it. */
  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(task)
    this.#last = mine.catch(() => undefined)
    return mine
  }

  async #inGroups(
    ids: readonly Id[],
    { onProgress, stop }: WriteOptions,
    how: {
      argsOf: (group: readonly Id[]) => Readonly<Record<string, unknown>>
      settle: (id: Id, refused: boolean) => void
    },
  ): Promise<Written> {
    const { client } = this.#store
    const size = Math.min(largestGroup, client.limits.objectsInSet)
    let done = 0
    let error: Error | null = null
    while (done < ids.length && stop?.aborted !== true) {
      const group = ids.slice(done, done + size)
      try {
        const answer = await client.call<SetResponse>('Email/set', how.argsOf(group))
        const refusals: Readonly<Record<Id, SetError>> = { ...answer.notUpdated, ...answer.notDestroyed }
        for (const id of group) how.settle(id, id in refusals)
        const [first] = Object.values(refusals)
        if (first !== undefined) error ??= refusalOf(first)
      } catch (failure) {
        error ??= failure instanceof Error ? failure : new Error(String(failure))
        break
      }
      done += group.length
      onProgress?.(done)
    }
    // What was not reached, because it was stopped or nobody answered.
    for (const id of ids.slice(done)) how.settle(id, true)
    this.#store.touch()
    return { done, error }
  }
}
