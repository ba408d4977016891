// What the world would find when it checks a caught message: SPF, DKIM, DMARC and ARC, as if it had come from an address of the user's
// choice and DNS said what he says (`catcher.zone`, or the records of the request). On a laptop none of that is true yet; this is how
// to see whether it will be.
import type { Resolver } from '../../base/resolver.ts'
import { type AuthenticationResults, verifyMessage } from '../../auth/verify-message.ts'
import { ZoneResolver } from '../../net/zone-resolver.ts'

export interface AuthenticationRequest {
  readonly message: Uint8Array
  /** '' is the null reverse-path. */
  readonly reversePath: string
  readonly helo: string
  /** Where the mail would come from. */
  readonly address: string
  /** Zone-file text; '' asks the real DNS. */
  readonly zone: string
  readonly hostname: string
}

export type AuthenticationCheck =
  | {
      readonly ok: true
      readonly results: AuthenticationResults
      /** `zone` or `dns`. */
      readonly dns: 'zone' | 'dns'
      /** Look-ups in the zone, as `TYPE name`. */
      readonly asked: readonly string[]
    }
  | { readonly ok: false; readonly problem: string }

export async function checkAuthentication(
  { zone, ...request }: AuthenticationRequest,
  resolver: () => Promise<Resolver>,
): Promise<AuthenticationCheck> {
  if (zone.trim() === '') {
    const results = await verifyMessage({ ...request, resolver: await resolver() })
    return { ok: true, results, dns: 'dns', asked: [] }
  }
  let simulated: ZoneResolver
  try {
    simulated = new ZoneResolver(zone)
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : 'no zone' }
  }
  const results = await verifyMessage({ ...request, resolver: simulated })
  return { ok: true, results, dns: 'zone', asked: simulated.asked }
}
