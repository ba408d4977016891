// Which mount has a request: the longest path that fits, one with a method before one without (`base/http-mount.ts`).
import type { HttpMount } from '../base/http-mount.ts'

interface Place<Account> {
  readonly mount: HttpMount<Account>
  /** Null: every method. */
  readonly method: string | null
  readonly path: string
  /** The path and all below it, or that one alone. */
  readonly extent: 'below' | 'itself'
}

export class MountTable<Account> {
  /** From the longest path on. */
  readonly #places: readonly Place<Account>[]

  constructor(mounts: readonly HttpMount<Account>[]) {
    this.#places = mounts
      .flatMap((mount) => mount.paths.map((path) => placeOf(mount, path)))
      .toSorted((left, right) => weight(right) - weight(left))
  }

  find(method: string, path: string): HttpMount<Account> | undefined {
    // RFC 9110 §9.3.2: HEAD is answered as GET.
    const asked = method === 'HEAD' ? 'GET' : method
    return this.#places.find((place) => {
      if (place.method !== null && place.method !== asked) return false
      return place.extent === 'below' ? path.startsWith(place.path) : path === place.path
    })?.mount
  }
}

function placeOf<Account>(mount: HttpMount<Account>, text: string): Place<Account> {
  const [, method = null, path = ''] = /^(?:([A-Z]+) )?(\/\S*)$/.exec(text) ?? []
  if (path === '') throw new Error(`"${text}" is no path of a mount`)
  return path.endsWith('/*')
    ? { mount, method, path: path.slice(0, -1), extent: 'below' }
    : { mount, method, path, extent: 'itself' }
}

function weight({ method, path, extent }: Place<unknown>): number {
  return path.length * 4 + (extent === 'itself' ? 2 : 0) + (method === null ? 0 : 1)
}
