// What a server has of the world beside its store: who it says it is in TLS, and where it looks up names.
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Resolver } from '../base/resolver.ts'
import { ConfigError } from '../config/layers.ts'
import type { Config } from '../config/schema.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import * as serverEvents from '../events/server.ts'
import type { Network } from '../net/network.ts'
import { createFileIdentity, createSelfSignedIdentity } from '../net/tls-identity.ts'
import type { TlsIdentity } from '../net/tls.ts'

interface Parts {
  readonly config: Config
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
}

/** Rejects with `ConfigError` where the files cannot be served: better now than at each handshake. */
export async function makeIdentity({ config, clock, random, events }: Parts): Promise<TlsIdentity> {
  const { certificate, key, clientAuthorities = null } = config.tls
  if (certificate === undefined || key === undefined) {
    const folder = config.data === null ? null : join(config.data, 'tls')
    const own = createSelfSignedIdentity({
      hostname: config.hostname,
      folder,
      clientAuthorities,
      clock,
      random,
    })
    if (clientAuthorities !== null) await makeSure(own, `tls.clientAuthorities (${clientAuthorities})`)
    return own
  }
  const identity = createFileIdentity({
    certificates: [{ certFile: certificate, keyFile: key }],
    clientAuthorities,
    clock,
    onReloadFailed: (files, error) =>
      events.emit(serverEvents.certificateUnusable, { file: files.certFile, error: errorText(error) }),
  })
  const authorities = clientAuthorities === null ? '' : ` and tls.clientAuthorities (${clientAuthorities})`
  await makeSure(identity, `tls.certificate (${certificate}) and tls.key (${key})${authorities}`)
  return identity
}

async function makeSure(identity: TlsIdentity, files: string): Promise<void> {
  try {
    await identity.secureContext(null)
  } catch (error) {
    throw new ConfigError(`${files} cannot be used: ${errorText(error)}`, { cause: error })
  }
}

export async function makeResolver({ config, clock, random }: Parts, dialer: Network): Promise<Resolver> {
  const { StubResolver } = await import('../net/resolver.ts')
  const { readSystemServers } = await import('../net/resolv-conf.ts')
  const { servers, trusted, timeout } = config.dns
  const chosen = servers.map((server) => ({ ...serverPoint(server), trusted }))
  return new StubResolver({
    servers: chosen.length > 0 ? chosen : await readSystemServers(),
    ...{ clock, random, dialer },
    limits: { timeoutMilliseconds: timeout },
  })
}

/** `address`, `address:port` or `[address]:port`; port 53 where none is given. */
function serverPoint(text: string): { address: string; port: number } {
  const match = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(text)
  const whole = { address: text, port: 53 }
  if (match === null || (text.split(':').length > 2 && !text.startsWith('['))) return whole
  return { address: match[1] ?? text, port: Number(match[2] ?? 53) }
}
