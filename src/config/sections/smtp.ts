// Limits and choices of the SMTP server: ports 25, 465 and 587, and the catcher.
import { z } from 'zod'
import { tryIpNetwork } from '../../base/ip-network.ts'
import { tryDomain } from '../../mail/domain.ts'
import { count, duration, size } from '../fields.ts'

/** Networks in CIDR notation. */
function networks(initial: readonly string[], description: string) {
  const network = z
    .string()
    .refine((text) => tryIpNetwork(text) !== undefined, 'not a network such as 192.0.2.0/24 or 2001:db8::/32')
  return z
    .array(network)
    .default([...initial])
    .describe(description)
}

const domain = z
  .string()
  .refine((text) => tryDomain(text, { utf8: true }) !== undefined, 'not a domain')
  .transform((text) => tryDomain(text, { utf8: true }) ?? text)

const tarpitSection = z
  .strictObject({
    afterErrors: count(
      5,
      'Refusals of class 5 in a session of port 25 or of submission that cost nothing; later ones come late. 0 never delays.',
    ),
    firstPause: duration(
      '1s',
      'Before the first reply that is delayed; each further one takes twice as long.',
    ),
    maxPause: duration('30s', 'The longest delay of a reply.'),
  })
  .prefault({})

export const smtpSection = z
  .strictObject({
    maxLineSize: size(
      '0',
      'Octets of one line of a message with its CRLF (RFC 5321 §4.5.3.1.6 asks for 1000); 0 takes any, since honest mail has such lines and none is ever held whole.',
    ),
    maxCommandSize: z
      .int()
      .min(512)
      .max(65_536)
      .default(4096)
      .describe('Octets of a command line with its CRLF: 512 (RFC 5321 §4.5.3.1.4) and what extensions add.'),
    maxDiscardedLine: size(
      '64 KB',
      'How much of an overlong command line is read on before the session is cut.',
    ),
    maxDiscardedMessage: size(
      '1 GB',
      'How much of a message beyond its limit is read and dropped, so that the sender hears why, before the session is cut.',
    ),
    maxRecipients: z
      .int()
      .min(100)
      .default(1000)
      .describe('Recipients of one message (RFC 5321 §4.5.3.1.8: at least 100); told by LIMITS RCPTMAX.'),
    maxRecipientDomains: count(
      0,
      'Different domains of recipients in one connection; told by LIMITS RCPTDOMAINMAX; 0 is no limit.',
    ),
    maxMessagesPerConnection: count(
      100_000,
      'MAIL commands in one connection; told by LIMITS MAILMAX; 0 is no limit.',
    ),
    maxErrors: count(20, 'Refused commands, RCPT and AUTH apart, before a session is ended; 0 is no limit.'),
    maxRefusedRecipients: count(
      1000,
      'Recipients refused for good in one session before it is ended; 0 is no limit.',
    ),
    maxReceived: count(100, 'Received fields at which a message is taken for a loop (RFC 5321 §6.3).'),
    commandTimeout: duration(
      '5m',
      'For the next command, and for a command line to be completed (RFC 5321 §4.5.3.2.7: at least 5 minutes).',
    ),
    dataTimeout: duration('5m', 'For the next block of a message (RFC 5321 §4.5.3.2.5: at least 3 minutes).'),
    minDataProgress: size(
      '16 KB',
      'What must come of a message in each `dataTimeout`, or the session is ended.',
    ),
    greetDelay: duration(
      '250ms',
      'How long port 25 waits with its greeting; whoever speaks in that time is turned away with 521. 0 greets at once.',
    ),
    tarpit: tarpitSection,
    exemptNetworks: networks(
      ['127.0.0.0/8', '::1'],
      'Peers that are greeted at once and never slowed down, in CIDR notation.',
    ),
    verify: z
      .boolean()
      .default(false)
      .describe('VRFY and EXPN on port 25 tell the truth (RFC 5321 §7.3 warns of it); else they say 252.'),
    send: z
      .boolean()
      .default(false)
      .describe(
        'SEND, SOML and SAML (RFC 821 §3.4) from anybody on port 25; after a log-in they are always there.',
      ),
    refuseSolicitation: z
      .array(z.string().regex(/^[A-Za-z][A-Za-z0-9._:-]*$/))
      .default([])
      .describe('Solicitation classes that nobody here wants (RFC 3865 §2.2), such as `net.example:ADV`.'),
    minDeliverBy: duration(
      '0s',
      'The shortest time that `BY=…;R` may ask for (RFC 2852 §4); told by DELIVERBY; 0 is no minimum.',
    ),
    xclientFrom: networks(
      [],
      'Peers that may say in whose name they speak (XCLIENT): proxies, and programs that test policies.',
    ),
    xforwardFrom: networks(
      [],
      'Peers that may say where a message came from, for the log (XFORWARD): content filters.',
    ),
    etrn: z
      .array(
        z.strictObject({
          domain: domain.describe('The domain whose queue may be started.'),
          networks: networks(
            [],
            'The peers that may; empty: anybody, since mail goes to that domain’s hosts alone.',
          ),
        }),
      )
      .default([])
      .describe('Domains whose queued mail ETRN starts (RFC 1985).'),
    turn: z
      .array(
        z.strictObject({
          domain: domain.describe('The domain whose queued mail may be taken.'),
          certificateName: domain.describe('The dNSName that the client’s certificate must have.'),
        }),
      )
      .default([])
      .describe('Who may take mail by TURN (RFC 821 §3.8): peers that a valid client certificate names.'),
    odmr: z
      .array(
        z.strictObject({
          account: z.string().describe('The account that logs in.'),
          domains: z.array(domain).min(1).describe('The domains whose queued mail it may take.'),
        }),
      )
      .default([])
      .describe('Who may take mail by ATRN (RFC 2645), after a log-in on an `odmr` listener.'),
  })
  .prefault({})

export type SmtpConfig = z.output<typeof smtpSection>
