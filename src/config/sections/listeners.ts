// Where Posthorn listens: one entry a socket.
import { z } from 'zod'
import { tryIpNetwork } from '../../base/ip-network.ts'

/** What is spoken there, and to whom. */
export const services = ['smtp', 'submission', 'catcher', 'lmtp', 'odmr', 'imap', 'pop3', 'http'] as const
export type Service = (typeof services)[number]

const listenerSection = z.strictObject({
  service: z
    .enum(services)
    .describe(
      'smtp: mail from the Internet, for local recipients only. submission: mail from our own users, after authentication. catcher: SMTP that accepts everything, for development. lmtp: mail from a host of ours for local recipients, each answered for itself (RFC 2033; never on port 25). odmr: hosts that log in and fetch the mail of their domains (RFC 2645). imap, pop3: reading. http: the web pages, JMAP and the HTTP API (docs/web.md, docs/http-api.md); its tls is none or implicit.',
    ),
  address: z
    .string()
    .default('::')
    .describe('The address to listen on; `::` is every IPv6 and IPv4 address.'),
  path: z
    .string()
    .regex(/^\/[^\0]{1,102}$/, 'not an absolute path of at most 103 octets')
    .optional()
    .describe('A UNIX socket to listen on instead of an address and port.'),
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'not permissions such as "0660"')
    .default('0660')
    .describe('Permissions of that socket: who may write to it can connect.'),
  port: z
    .int()
    .min(0)
    .max(65535)
    .optional()
    .describe('The port; 0 lets the system choose one, which the start-up lines tell.'),
  tls: z
    .enum(['none', 'starttls', 'implicit'])
    .default('starttls')
    .describe(
      'none: never. starttls: offered (STARTTLS, STLS). implicit: from the first byte (RFC 8314 §3).',
    ),
  proxyFrom: z
    .array(
      z
        .string()
        .refine(
          (text) => tryIpNetwork(text) !== undefined,
          'not an address or network such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32',
        ),
    )
    .default([])
    .describe(
      'Proxies that tell the client’s address, in the way that proxyBy says. Addresses or networks; nobody else’s word is taken.',
    ),
  proxyBy: z
    .enum(['protocol', 'x-forwarded-for', 'forwarded'])
    .default('protocol')
    .describe(
      'How those of proxyFrom tell it. protocol: the PROXY protocol, version 1 or 2, which they then must speak. On http listeners also x-forwarded-for (with X-Forwarded-Proto) or forwarded (RFC 7239): that header of each request, and not the other one.',
    ),
})

export type ListenerConfig = z.output<typeof listenerSection>

/** Where the network finds it: an address and port, or `unix:` and a path. */
export function listenPoint({ address, port, path, mode }: ListenerConfig): {
  readonly address: string
  readonly port: number
  readonly mode: number
} {
  const place = path === undefined ? { address, port: port ?? 0 } : { address: `unix:${path}`, port: 0 }
  return { ...place, mode: Number.parseInt(mode, 8) }
}

/** All of them. A catcher is alone with its readers: its directory opens every mailbox to any password. */
export const listenersSection = z
  .array(listenerSection)
  .refine(
    (listeners) => listeners.every(({ port, path }) => (port === undefined) !== (path === undefined)),
    'a listener has either a port or a path',
  )
  .refine(
    (listeners) =>
      !listeners.some(({ service }) => service === 'catcher') ||
      !listeners.some(({ service }) => ['smtp', 'submission', 'lmtp', 'odmr'].includes(service)),
    'a catcher cannot run beside smtp, submission, lmtp or odmr listeners: with a catcher any password opens any mailbox; run it as a server of its own',
  )
  .refine(
    (listeners) => !listeners.some(({ service, port }) => service === 'lmtp' && port === 25),
    'LMTP must not be spoken on port 25 (RFC 2033 §5)',
  )
  .refine(
    (listeners) => !listeners.some(({ service, tls }) => service === 'http' && tls === 'starttls'),
    'HTTP has no STARTTLS: give the http listener `tls = "implicit"`, or "none"',
  )
  .refine(
    (listeners) => !listeners.some(({ service, proxyBy }) => service !== 'http' && proxyBy !== 'protocol'),
    'proxyBy: only http listeners have headers; all others know the PROXY protocol alone',
  )
  .default([])
  .describe('Where to listen, for what.')
