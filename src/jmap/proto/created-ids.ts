// Creation ids of one API request (RFC 8620 §3.3, §5.3): one map for all types, from what the client called a record that it made to the
// id that it got.
import { objectOf, type JsonObject } from './json.ts'

export class CreatedIds {
  readonly #ids: Map<string, string>

  /** `given`: what the request brought along. */
  constructor(given: ReadonlyMap<string, string> = new Map()) {
    this.#ids = new Map(given)
  }

  /** RFC 8620 §5.3: a creation id that is used again means the record made last. */
  add(creationId: string, id: string): void {
    this.#ids.set(creationId, id)
  }

  /** An id as it is; of `#` and a creation id the id that it stands for; undefined: nothing was made under that name. */
  resolve(idOrReference: string): string | undefined {
    return idOrReference.startsWith('#') ? this.#ids.get(idOrReference.slice(1)) : idOrReference
  }

  toJson(): JsonObject {
    return objectOf(this.#ids)
  }
}
