// The defaults that each profile lays over the schema's own. A configuration file may change every one of them.
import type { ConfigInput, ProfileName } from './schema.ts'

const everywhere = '::'
const loopback = '127.0.0.1'

/** Everybody comes from one address there: the developer's own, or a test's. */
const unlimitedConnections = {
  maxConnectionsPerAddress: 10_000,
  maxConnectionsPerPrefix: 10_000,
  maxConnectionsPerSite: 10_000,
  maxConnectionRatePerAddress: 0,
  maxConnectionRatePerPrefix: 0,
}

/** Mail that is caught is read once or never: it is indexed when somebody searches it, not as it comes. */
const indexedOnDemand = { after: 100_000, wait: '1d' }

/** Nobody else works on the queue of a test, and its clock is moved on by days: what is due has a timer of its own all the same. */
const queuedAlone = { poll: '1d', sweep: '5m', lease: '1d' }

const profiles: Record<ProfileName, ConfigInput> = {
  dev: {
    profile: 'dev',
    log: { format: 'text' },
    net: unlimitedConnections,
    dns: { reverse: false },
    search: indexedOnDemand,
    auth: { allowClearText: true },
    listeners: [
      { service: 'catcher', address: loopback, port: 1025, tls: 'starttls' },
      { service: 'imap', address: loopback, port: 1143, tls: 'starttls' },
      { service: 'pop3', address: loopback, port: 1110, tls: 'starttls' },
      { service: 'http', address: loopback, port: 8025, tls: 'none' },
    ],
  },
  test: {
    profile: 'test',
    log: { level: 'error', format: 'text' },
    net: unlimitedConnections,
    dns: { reverse: false },
    search: indexedOnDemand,
    queue: queuedAlone,
    auth: { allowClearText: true },
    listeners: [
      { service: 'catcher', address: loopback, port: 0, tls: 'starttls' },
      { service: 'imap', address: loopback, port: 0, tls: 'starttls' },
      { service: 'pop3', address: loopback, port: 0, tls: 'starttls' },
      { service: 'http', address: loopback, port: 0, tls: 'none' },
    ],
  },
  server: {
    profile: 'server',
    data: 'data',
    relay: { enabled: true },
    listeners: [
      { service: 'smtp', address: everywhere, port: 25, tls: 'starttls' },
      { service: 'submission', address: everywhere, port: 465, tls: 'implicit' },
      { service: 'submission', address: everywhere, port: 587, tls: 'starttls' },
      { service: 'imap', address: everywhere, port: 143, tls: 'starttls' },
      { service: 'imap', address: everywhere, port: 993, tls: 'implicit' },
      { service: 'pop3', address: everywhere, port: 110, tls: 'starttls' },
      { service: 'pop3', address: everywhere, port: 995, tls: 'implicit' },
      { service: 'http', address: everywhere, port: 443, tls: 'implicit' },
      // Sends browsers to 443, and takes no credentials.
      { service: 'http', address: everywhere, port: 80, tls: 'none' },
    ],
  },
}

/** The defaults of that profile. */
export function profileDefaults(name: ProfileName): ConfigInput {
  return profiles[name]
}
