// Limits of connections as such, whatever is spoken on them, and how names are looked up.
import { z } from 'zod'
import { count, duration, size } from '../fields.ts'

export const netSection = z
  .strictObject({
    maxConnections: count(10_000, 'Connections at once, for all listeners of one protocol together.'),
    maxConnectionsPerAddress: count(
      100,
      'Connections at once from one IP address, for all listeners of one protocol together.',
    ),
    maxConnectionsPerPrefix: count(
      200,
      'Connections at once from one IPv6 /64 or IPv4 /24, for all listeners of one protocol together.',
    ),
    maxConnectionsPerSite: count(
      400,
      'Connections at once from one IPv6 /48, for all listeners of one protocol together.',
    ),
    maxConnectionRatePerAddress: count(
      600,
      'New connections a minute from one IP address, for all listeners of one protocol together; 0 is no limit.',
    ),
    maxConnectionRatePerPrefix: count(
      1_200,
      'New connections a minute from one IPv6 /64 or IPv4 /24, for all listeners of one protocol together; 0 is no limit.',
    ),
    proxyTimeout: duration('5s', 'How long a listed proxy may take to send its PROXY protocol header.'),
    proxyHeaderLimit: size('4 KB', 'Octets of one PROXY protocol header.'),
    tlsHandshakeTimeout: duration('30s', 'A TLS handshake that takes longer is given up.'),
    heldBytes: size('64 KB', 'Octets that are read ahead from a client while its last command is worked on.'),
    lingerTimeout: duration('5s', 'After the last reply, how long a client may take to close its side.'),
    stopTimeout: duration('8s', 'How long a stop waits for replies under way before it cuts connections.'),
  })
  .prefault({})

export type NetConfig = z.output<typeof netSection>

export const dnsSection = z
  .strictObject({
    servers: z
      .array(z.string())
      .default([])
      .describe('Resolvers, as `address` or `address:port`; none means those of /etc/resolv.conf.'),
    trusted: z
      .boolean()
      .default(false)
      .describe('The resolvers validate DNSSEC and are reached safely: believe their AD bit.'),
    reverse: z.boolean().default(true).describe('Look up the name of an SMTP client for the Received field.'),
    timeout: duration('5s', 'One question to one resolver.'),
  })
  .prefault({})

export type DnsConfig = z.output<typeof dnsSection>
