// Where Posthorn listens: one entry a socket.
import { z } from 'zod'

/** What is spoken there, and to whom. */
export const services = ['smtp', 'submission', 'catcher', 'imap', 'pop3'] as const
export type Service = (typeof services)[number]

export const listenerSection = z.strictObject({
  service: z
    .enum(services)
    .describe(
      'smtp: mail from the Internet, for local recipients only. submission: mail from our own users, after authentication. catcher: SMTP that accepts everything, for development. imap, pop3: reading.',
    ),
  address: z
    .string()
    .default('::')
    .describe('The address to listen on; `::` is every IPv6 and IPv4 address.'),
  port: z
    .int()
    .min(0)
    .max(65535)
    .describe('The port; 0 lets the system choose one, which the start-up lines tell.'),
  tls: z
    .enum(['none', 'starttls', 'implicit'])
    .default('starttls')
    .describe(
      'none: never. starttls: offered (STARTTLS, STLS). implicit: from the first byte (RFC 8314 §3).',
    ),
})

export type ListenerConfig = z.output<typeof listenerSection>
