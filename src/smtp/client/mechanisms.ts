// Which SASL mechanism to use with a server, of those that it offers and that fit what we can show.
import type { TlsState } from '../../base/core.ts'
import type { Random } from '../../base/random.ts'
import {
  cramMd5Client,
  externalClient,
  loginClient,
  oauthBearerClient,
  plainClient,
  xoauth2Client,
} from '../../sasl/client.ts'
import type { SaslClientExchange } from '../../sasl/mechanism.ts'
import { scramClient } from '../../sasl/scram-client.ts'
import type { ScramHash } from '../../sasl/scram-keys.ts'
import type { AuthenticateOptions, ClientIdentity } from './client.ts'

export interface ChosenMechanism {
  readonly name: string
  readonly exchange: SaslClientExchange
}

interface Choice {
  readonly options: AuthenticateOptions
  /** In capitals. */
  readonly offered: readonly string[]
  readonly tls: TlsState | null
}

type PasswordIdentity = Extract<ClientIdentity, { type: 'password' }>

interface Candidate {
  readonly name: string
  /** True where whoever listens learns a secret that he can use. */
  readonly revealing: boolean
  /** Undefined where the identity or the connection does not fit. */
  readonly begin: (choice: Choice) => SaslClientExchange | undefined
}

const passwordCandidate = (
  name: string,
  revealing: boolean,
  begin: (identity: PasswordIdentity, choice: Choice) => SaslClientExchange | undefined,
): Candidate => ({
  name,
  revealing,
  begin: (choice) =>
    choice.options.identity.type === 'password' ? begin(choice.options.identity, choice) : undefined,
})

/** RFC 6409 §3.1. */
const submissionPort = 587

/** Strongest first. */
const candidates: readonly Candidate[] = [
  {
    name: 'EXTERNAL',
    revealing: false,
    // RFC 4422 appendix A: means nothing without a handshake in which the certificate was shown.
    begin: ({ options: { identity }, tls }) =>
      identity.type === 'certificate' && tls !== null ? externalClient(identity) : undefined,
  },
  {
    name: 'OAUTHBEARER',
    revealing: true,
    begin: ({ options: { identity } }) => {
      if (identity.type !== 'token' || identity.host === undefined) return undefined
      return oauthBearerClient({ ...identity, host: identity.host, port: identity.port ?? submissionPort })
    },
  },
  {
    name: 'XOAUTH2',
    revealing: true,
    begin: ({ options: { identity } }) => (identity.type === 'token' ? xoauth2Client(identity) : undefined),
  },
  ...scramCandidates('SCRAM-SHA-256', 'sha256'),
  ...scramCandidates('SCRAM-SHA-1', 'sha1'),
  passwordCandidate('CRAM-MD5', false, (identity) =>
    identity.authorizationId === undefined ? cramMd5Client(identity) : undefined,
  ),
  passwordCandidate('PLAIN', true, (identity) => plainClient(identity)),
  passwordCandidate('LOGIN', true, (identity) =>
    identity.authorizationId === undefined ? loginClient(identity) : undefined,
  ),
]

/** The mechanism with channel binding, and without. */
function scramCandidates(name: 'SCRAM-SHA-1' | 'SCRAM-SHA-256', scramHash: ScramHash): Candidate[] {
  return [
    passwordCandidate(`${name}-PLUS`, false, (identity, { options, tls }) => {
      const channelBinding = bindingOf(tls)
      if (channelBinding === undefined) return undefined
      return scramClient({ ...identity, scramHash, nonce: makeNonce(options.random), channelBinding })
    }),
    passwordCandidate(name, false, (identity, { options, offered, tls }) => {
      // RFC 5802 §6: `y` tells a server that offers -PLUS of whoever took it out of the list.
      const unoffered = bindingOf(tls) !== undefined && !offered.some((each) => each.endsWith('-PLUS'))
      return scramClient({
        ...{ ...identity, scramHash, nonce: makeNonce(options.random) },
        ...(unoffered ? { channelBinding: 'not-offered' } : {}),
      })
    }),
  ]
}

/** The mechanism to use, begun; undefined where none fits. */
export function chooseMechanism(choice: Choice): ChosenMechanism | undefined {
  const { options, offered, tls } = choice
  for (const candidate of candidates) {
    const { name } = candidate
    if (!offered.includes(name) || options.mechanisms?.includes(name) === false) continue
    // RFC 4954 §14, RFC 4616 §6
    if (candidate.revealing && tls === null && options.inTheClear !== 'allowed') continue
    const exchange = candidate.begin(choice)
    if (exchange !== undefined) return { name, exchange }
  }
  return undefined
}

/** RFC 9266 §2 where there is an exporter, else RFC 5929 §4. */
function bindingOf(tls: TlsState | null): { name: string; data: Uint8Array } | undefined {
  if (tls?.exporter != null) return { name: 'tls-exporter', data: tls.exporter }
  return tls?.serverEndPoint == null ? undefined : { name: 'tls-server-end-point', data: tls.serverEndPoint }
}

const nonceOctets = 18

/** RFC 5802 §5.1: printable ASCII without commas. */
function makeNonce(random: Random): string {
  return Array.from(random.bytes(nonceOctets), (octet) => octet.toString(16).padStart(2, '0')).join('')
}
