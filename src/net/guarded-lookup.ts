// Looking up a name at the moment of connecting, so that the address that is judged is the one that is connected to: a name that led
// elsewhere a moment before (DNS rebinding) cannot lead inside. For requests to URLs that somebody else chose.
import { isIP, type LookupFunction } from 'node:net'
import type { Resolver } from '../base/resolver.ts'

export interface AddressGuard {
  readonly resolver: Pick<Resolver, 'a' | 'aaaa'>
  /** Whether an address may be connected to. */
  readonly isAllowed: (address: string) => boolean
}

/** The `lookup` option of Node's sockets, by our resolver; fails where no address of the name is allowed. */
export function guardedLookup({ resolver, isAllowed }: AddressGuard): LookupFunction {
  return (name, _options, callback) => {
    void Promise.all([resolver.aaaa(name), resolver.a(name)]).then(
      (answers) => {
        const found = answers.flatMap((answer) => (answer.ok ? answer.records : []))
        const addresses = found
          .filter((address) => isAllowed(address))
          .map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
        const problem = found.length > 0 ? 'only private addresses' : 'no addresses'
        if (addresses.length === 0) callback(new Error(`${name}: ${problem}`), [])
        else callback(null, addresses)
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), []),
    )
  }
}

/** Node looks up names alone: whether the URL's host is an address that is not allowed. */
export function leadsInside(url: URL, isAllowed: AddressGuard['isAllowed']): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return isIP(host) !== 0 && !isAllowed(host)
}
