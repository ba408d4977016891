// SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489) and ARC (RFC 8617) of one whole message, by mailauth over a resolver of ours: each
// result with its reason, in a shape of our own.
//
// It judges nothing: what a result means for delivery is for others. A message that mailauth cannot read gives `permerror`s.
import { Buffer } from 'node:buffer'
import type { DnsAnswer, Resolver } from '../base/resolver.ts'

export interface VerifyRequest {
  readonly message: Uint8Array
  /** '' is the null reverse-path: SPF then looks at HELO (RFC 7208 §2.4). */
  readonly reversePath: string
  readonly helo: string
  /** Of the client, IPv4 or IPv6. */
  readonly address: string
  readonly resolver: Resolver
  /** RFC 8601 §2.5: who has checked. */
  readonly hostname: string
}

export interface AuthResult {
  /** RFC 8601 §2.7: `pass`, `fail`, `softfail`, `neutral`, `none`, `policy`, `temperror`, `permerror`. */
  readonly result: string
  /** Why, in words; '' where there is nothing to say. */
  readonly reason: string
}

export interface SignatureResult extends AuthResult {
  readonly domain: string
  readonly selector: string
  readonly algorithm: string
  /** Whether the domain stands for the author's (RFC 7489 §3.1.1). */
  readonly aligned: boolean
  readonly signedFields: readonly string[]
}

export interface AuthenticationResults {
  readonly spf: AuthResult & { readonly domain: string; readonly record: string; readonly lookUps: number }
  /** None where the message has no signature. */
  readonly dkim: readonly SignatureResult[]
  readonly dmarc: AuthResult & {
    readonly domain: string
    readonly record: string
    /** `none`, `quarantine`, `reject`; '' where there is no record. */
    readonly policy: string
    readonly spfAligned: boolean
    readonly dkimAligned: boolean
  }
  readonly arc: AuthResult & { readonly instances: number }
  /** The Authentication-Results field that a receiver would write, unfolded. */
  readonly header: string
}

/** Loads mailauth with its first use. */
export async function verifyMessage(request: VerifyRequest): Promise<AuthenticationResults> {
  const { authenticate } = await import('mailauth')
  const { message, reversePath, helo, address, hostname } = request
  const found = await authenticate(Buffer.from(message), {
    ...{ ip: address, helo, sender: reversePath, mta: hostname, trustReceived: false },
    ...{
      disableBimi: true,
      resolver: (name: string, type: string) => look(request.resolver, { name, type }),
    },
  })
  const { spf, dkim, dmarc, arc } = found
  const author = dkim?.headerFrom?.[0] ?? ''
  return {
    spf: {
      ...outcome(spf && spf.status, spf ? spf.info : ''),
      ...{
        domain: (spf && spf.domain) || '',
        record: (spf && spf.rr) || '',
        lookUps: (spf && spf.lookups?.count) || 0,
      },
    },
    dkim: (dkim?.results ?? [])
      // Without a signature there is one result, `none`, of no domain.
      .filter(({ signingDomain }) => signingDomain !== undefined && signingDomain !== '')
      .map((one) => ({
        ...outcome(one.status, one.info),
        ...{ domain: one.signingDomain ?? '', selector: one.selector ?? '', algorithm: one.algo ?? '' },
        aligned: typeof one.status.aligned === 'string' && one.status.aligned !== '',
        signedFields: (one.signingHeaders?.keys ?? '').split(':').flatMap((name) => name.trim() || []),
      })),
    dmarc: {
      ...outcome(dmarc && dmarc.status, dmarc ? dmarc.info : ''),
      ...{
        domain: (dmarc && dmarc.domain) || author.split('@').at(-1) || '',
        record: (dmarc && dmarc.rr) || '',
      },
      policy: (dmarc && dmarc.policy) || '',
      spfAligned: Boolean(dmarc && dmarc.alignment?.spf?.result),
      dkimAligned: Boolean(dmarc && dmarc.alignment?.dkim?.result),
    },
    arc: { ...outcome(arc && arc.status, ''), instances: Number((arc && arc.i) || 0) },
    header: unfold(found.headers),
  }
}

function outcome(
  status: { result?: string; comment?: string } | false | undefined,
  info: string,
): AuthResult {
  if (!status) return { result: 'none', reason: '' }
  return { result: status.result ?? 'none', reason: status.comment ?? reasonIn(info) }
}

/** The comment in `dkim=fail (body hash did not verify) …`. */
function reasonIn(info: string): string {
  return /^\w+=\w+ \(([^()]*)\)/.exec(info)?.[1] ?? ''
}

function unfold(header: string): string {
  const field = /^Authentication-Results:((?:[^\r\n]|\r?\n[ \t])*)/im.exec(header)?.[1] ?? ''
  return field.replaceAll(/\r?\n[ \t]+/g, ' ').trim()
}

/** As `dns.promises.resolve` answers: rejects with `ENOTFOUND`, `ENODATA` or `ETIMEOUT`. */
async function look(
  resolver: Resolver,
  { name, type }: { readonly name: string; readonly type: string },
): Promise<string[][] | string[]> {
  switch (type.toUpperCase()) {
    case 'TXT':
      return records(await resolver.txt(name)).map((text) => [text])
    case 'A':
      return records(await resolver.a(name))
    case 'AAAA':
      return records(await resolver.aaaa(name))
    case 'CNAME':
      return records(await resolver.cname(name))
    case 'PTR':
      return records(await resolver.reverse(addressOf(name)))
    case 'MX':
      // mailauth reads what Node's resolver gives; its types say strings.
      return records(await resolver.mx(name)).map(({ exchange, preference: priority }) => ({
        exchange,
        priority,
      })) as unknown as string[]
    default:
      throw missing('ENODATA', name)
  }
}

function records<T>(answer: DnsAnswer<T>): T[] {
  if (answer.ok) return [...answer.records]
  if (answer.failure === 'nxdomain') throw missing('ENOTFOUND', '')
  throw missing(answer.failure === 'nodata' ? 'ENODATA' : 'ETIMEOUT', '')
}

function missing(code: string, name: string): Error {
  return Object.assign(new Error(`${code} ${name}`.trim()), { code })
}

/** `1.2.0.192.in-addr.arpa` is 192.0.2.1; what is no such name stays. */
function addressOf(name: string): string {
  const four = /^((?:\d{1,3}\.){4})in-addr\.arpa$/i.exec(name)?.[1]
  if (four !== undefined) return four.split('.').filter(Boolean).toReversed().join('.')
  const six = /^((?:[0-9a-f]\.){32})ip6\.arpa$/i.exec(name)?.[1]
  if (six === undefined) return name
  const digits = six.split('.').filter(Boolean).toReversed().join('')
  return digits.replaceAll(/(.{4})(?=.)/g, '$1:')
}
