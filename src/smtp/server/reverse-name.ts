// The client's name by reverse DNS, for the Received field alone. Nothing is refused for it and nothing waits for it: a
// name that has not come when the message has is left out.
import type { Resolver } from '../../base/resolver.ts'

/** Names of one address that are looked at. */
const namesTried = 3

/** The first PTR name that leads back to the address (RFC 8601 §2.7.3 `iprev`), or null. Never rejects. */
export async function findReverseName(resolver: Resolver, address: string): Promise<string | null> {
  try {
    const reverse = await resolver.reverse(address)
    if (!reverse.ok) return null
    for (const name of reverse.records.slice(0, namesTried)) {
      const forward = address.includes(':') ? await resolver.aaaa(name) : await resolver.a(name)
      if (forward.ok && forward.records.includes(address)) return name
    }
    return null
  } catch {
    return null
  }
}
