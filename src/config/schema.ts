// The one configuration schema. A profile is only a set of defaults over it (profiles.ts); the file says how this server runs;
// who has mail is in the store. Every limit and default of the program is a key here, with its description.
import { z } from 'zod'
import { size } from './fields.ts'
import { authSection, directorySection } from './sections/auth.ts'
import { catcherSection } from './sections/catcher.ts'
import { collectSection } from './sections/collect.ts'
import { hooksSection } from './sections/hooks.ts'
import { httpSection, webhooksSection } from './sections/http.ts'
import { imapSection } from './sections/imap.ts'
import { jmapSection } from './sections/jmap.ts'
import { listenersSection } from './sections/listeners.ts'
import { logSection } from './sections/log.ts'
import { dnsSection, netSection } from './sections/net.ts'
import { pop3Section } from './sections/pop3.ts'
import { queueSection } from './sections/queue.ts'
import { relaySection } from './sections/relay.ts'
import { searchSection } from './sections/search.ts'
import { smtpSection } from './sections/smtp.ts'
import { mimeSection, storeSection } from './sections/store.ts'
import { submissionSection } from './sections/submission.ts'
import { tlsSection } from './sections/tls.ts'
import { webSection } from './sections/web.ts'

export const profileNames = ['dev', 'test', 'server'] as const
export type ProfileName = (typeof profileNames)[number]

export const configSchema = z.strictObject({
  profile: z.enum(profileNames).default('server').describe('The set of defaults to start from.'),
  hostname: z
    .string()
    .min(1)
    .default('localhost')
    .describe(
      'The name this server greets with and writes into trace fields; the system’s name unless given.',
    ),
  data: z
    .string()
    .nullable()
    .default(null)
    .describe('The folder that holds everything; null keeps everything in memory, gone with the process.'),
  maxMessageSize: size(
    '50 MB',
    'The largest message, whoever brings it: SMTP (told in the EHLO response, RFC 1870 §3) or IMAP’s APPEND; 0 is no limit.',
  ),
  listeners: listenersSection,
  tls: tlsSection,
  log: logSection,
  net: netSection,
  dns: dnsSection,
  store: storeSection,
  mime: mimeSection,
  directory: directorySection,
  auth: authSection,
  smtp: smtpSection,
  submission: submissionSection,
  hooks: hooksSection,
  http: httpSection,
  web: webSection,
  webhooks: webhooksSection,
  queue: queueSection,
  relay: relaySection,
  collect: collectSection,
  imap: imapSection,
  jmap: jmapSection,
  search: searchSection,
  catcher: catcherSection,
  pop3: pop3Section,
})

/** Everything decided: what the program runs on. */
export type Config = z.output<typeof configSchema>
/** What a person writes: every key optional. */
export type ConfigInput = z.input<typeof configSchema>

/** Types a configuration file: `export default defineConfig({ … })`. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config
}
