// Providers that keep our mail until we come for it: hosts that are not always on the Internet, or may not be reached from there
// (docs/collect.md).
import { z } from 'zod'
import { tryDomain } from '../../mail/domain.ts'
import { duration } from '../fields.ts'
import { hostFields } from './relay.ts'

const domain = z
  .string()
  .refine((text) => tryDomain(text, { utf8: true }) !== undefined, 'not a domain')
  .transform((text) => tryDomain(text, { utf8: true }) ?? text)

const sourceSection = z
  .strictObject({
    name: z.string().min(1).optional().describe('What operators call it; its host unless given.'),
    ...hostFields,
    port: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe('366 for `atrn` (RFC 2645 §5), else 25, unless given.'),
    verb: z
      .enum(['atrn', 'turn', 'etrn'])
      .default('atrn')
      .describe(
        'atrn: after a log-in the mail comes over this connection (RFC 2645). turn: the same for whom the certificate names (RFC 821 §3.8). etrn: the provider is asked to send, and connects by itself (RFC 1985).',
      ),
    domains: z
      .array(domain)
      .default([])
      .describe('Whose mail to ask for; none asks for all that is ours there (not with `etrn`).'),
    every: duration('15m', 'From the end of one visit to the next; the first is when the server starts.'),
  })
  .refine((one) => one.verb !== 'atrn' || one.authentication !== undefined, {
    message: 'atrn needs authentication (RFC 2645 §5.1)',
  })
  .refine((one) => one.verb !== 'turn' || (one.certificateFile !== undefined && one.keyFile !== undefined), {
    message: 'turn needs certificateFile and keyFile: the certificate says whose mail may be taken',
  })
  .refine((one) => one.verb !== 'turn' || one.tls !== 'none', { message: 'turn needs tls' })
  .refine((one) => one.verb !== 'turn' || one.domains.length === 0, {
    message: 'turn names no domains: the certificate does',
  })
  .refine((one) => one.verb !== 'etrn' || one.domains.length > 0, { message: 'etrn needs domains' })

export const collectSection = z
  .array(sourceSection)
  .refine(
    (sources) => new Set(sources.map(({ name, host }) => name ?? host)).size === sources.length,
    'two of them have one name: give each its own `name`',
  )
  .default([])
  .describe('Providers that are visited for mail that waits there for domains of ours.')

export type CollectConfig = z.output<typeof collectSection>
export type CollectSource = CollectConfig[number]
