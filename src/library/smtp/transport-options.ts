// What a transport is made with: the options that users of nodemailer know, or a URL with them behind its `?`.
import type { MailToSend } from './compose.ts'
import { refuseUnknown } from './known-options.ts'
import type { SmtpLogger } from './logger.ts'

/** How messages are written. */
export interface WritingOptions {
  /** RFC 6376: signs every message, `{ domainName, keySelector, privateKey }`. */
  readonly dkim?: MailToSend['dkim']
  /** Fields that every message begins with, where it has none of its own. */
  readonly defaults?: Partial<MailToSend>
  /** Attachments by `path` are refused. */
  readonly disableFileAccess?: boolean
  /** Attachments by `href` are refused. */
  readonly disableUrlAccess?: boolean
  /** `href` may lead to this machine and its network. Default: to public addresses alone, each redirect too. */
  readonly allowPrivateUrls?: boolean
}

/** Sends nothing: `sendMail` gives the message. */
export interface StreamTransportOptions extends WritingOptions {
  readonly streamTransport: true
  /** `message` is a Buffer rather than a stream. */
  readonly buffer?: boolean
  /** Line ends of `message`. Default `windows`, those of mail. */
  readonly newline?: 'unix' | 'windows'
}

/** Sends nothing: `sendMail` gives the message's fields as JSON. */
export interface JsonTransportOptions extends WritingOptions {
  readonly jsonTransport: true
}

export interface TransportOptions extends WritingOptions {
  readonly host: string
  /** Default 465 with `secure`, else 587. */
  readonly port?: number
  /** TLS from the first octet. Default: that of the port: true on 465. */
  readonly secure?: boolean
  /** STARTTLS, or nothing is sent. */
  readonly requireTLS?: boolean
  /** Never STARTTLS, even where it is offered. */
  readonly ignoreTLS?: boolean
  /** `type` may say what is seen from the rest. */
  readonly auth?:
    | { readonly type?: 'login' | 'LOGIN'; readonly user: string; readonly pass: string }
    | { readonly type?: 'oauth2' | 'OAuth2' | 'OAUTH2'; readonly user: string; readonly accessToken: string }
  readonly tls?: {
    /** PEM of authorities to trust instead of the system's. */
    readonly ca?: string | readonly string[]
    /** Whether a certificate that nobody vouches for ends it. Default true. */
    readonly rejectUnauthorized?: boolean
    /** The name to ask for, and to find in the certificate. Default: `host`. */
    readonly servername?: string
    /** PEM of a certificate of one's own and its key, for servers that ask for one. */
    readonly cert?: string
    readonly key?: string
  }
  /** What EHLO says. Default: the name of this machine. */
  readonly name?: string
  /** The address of this machine to connect from. */
  readonly localAddress?: string
  /** Connections are kept and used again, until `close`. */
  readonly pool?: boolean
  /** At once. Default 5. */
  readonly maxConnections?: number
  /** Messages over one connection of a pool. Default 100. */
  readonly maxMessages?: number
  /** Messages begun in `rateDelta` at most. Default: no limit. */
  readonly rateLimit?: number
  /** Milliseconds. Default one second. */
  readonly rateDelta?: number
  /** Gets events and, at `debug`, the dialogue, without secrets and content; `true`: lines on standard error. Default: none. */
  readonly logger?: SmtpLogger | boolean
  /** Milliseconds for a connection to open. Default two minutes. */
  readonly connectionTimeout?: number
  /** Milliseconds for the greeting. Default five minutes (RFC 5321 §4.5.3.2.1). */
  readonly greetingTimeout?: number
  /** Milliseconds for any other reply. Default: those of RFC 5321 §4.5.3.2, two to ten minutes. */
  readonly socketTimeout?: number
  /** RFC 2033: LHLO, and an answer for each recipient. */
  readonly lmtp?: boolean
  /** The only mechanism of SASL to log in by, `PLAIN`. Default: the strongest that fits. */
  readonly authMethod?: string
}

const writing: Readonly<Record<keyof WritingOptions, true>> = {
  ...{ dkim: true, defaults: true, disableFileAccess: true, disableUrlAccess: true, allowPrivateUrls: true },
}

const known: Readonly<Record<keyof TransportOptions, true>> = {
  ...writing,
  ...{
    host: true,
    port: true,
    secure: true,
    requireTLS: true,
    ignoreTLS: true,
    auth: true,
    authMethod: true,
  },
  ...{ tls: true, name: true, localAddress: true, pool: true, maxConnections: true, maxMessages: true },
  ...{ rateLimit: true, rateDelta: true, logger: true, connectionTimeout: true, greetingTimeout: true },
  ...{ socketTimeout: true, lmtp: true },
}

const absent: Readonly<Record<string, string>> = {
  service: 'give the host and port that the service tells its users',
  proxy: 'connect through a proxy that the system routes by',
  sendmail: 'programs are not run; `posthorn sendmail` is one for others to run',
  SES: 'give the host of its SMTP interface',
  debug: 'the dialogue goes to `debug` of the `logger`',
  transactionLog: 'the dialogue goes to `debug` of the `logger`',
  opportunisticTLS:
    'a server that offers TLS and fails is not spoken to in the clear; `ignoreTLS` never asks for it',
  getSocket: 'connections are opened here',
  socket: 'connections are opened here',
  connection: 'connections are opened here',
  customAuth: '`authMethod` names one of those that there are',
  dnsTimeout: 'names are looked up by the system',
}

const counts = ['maxConnections', 'maxMessages', 'rateLimit', 'rateDelta'] as const

/** Throws a TypeError for an option that there is not, and for a count that no message could keep to: it would not hold. */
export function checkTransportOptions(options: TransportOptions): void {
  refuseUnknown('createTransport', options, { known: Object.keys(known), absent })
  for (const name of counts) {
    const count = options[name] ?? 1
    if (count !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(count) && count >= 1))
      throw new TypeError(`${name} is ${count}: a whole number from 1 on, or left out`)
  }
}

/** The same of a transport that sends nothing. */
export function checkWriterOptions(options: StreamTransportOptions | JsonTransportOptions): void {
  const own = 'streamTransport' in options ? ['streamTransport', 'buffer', 'newline'] : ['jsonTransport']
  refuseUnknown('createTransport', options, { known: [...Object.keys(writing), ...own], absent: {} })
}

const flags: readonly string[] = [
  'pool',
  'secure',
  'requireTLS',
  'ignoreTLS',
  'lmtp',
  'logger',
  'disableFileAccess',
  'disableUrlAccess',
]
const numbers: readonly string[] = [
  'maxConnections',
  'maxMessages',
  'rateLimit',
  'rateDelta',
  'connectionTimeout',
  'greetingTimeout',
  'socketTimeout',
]
const texts: readonly string[] = ['name', 'authMethod', 'localAddress']

/** Throws a TypeError for what is no URL of SMTP, and for what it says that there is not. */
export function optionsOfUrl(text: string): TransportOptions {
  const { protocol, hostname: host, port, username, password, searchParams } = new URL(text)
  if (protocol !== 'smtp:' && protocol !== 'smtps:')
    throw new TypeError(`${protocol} is neither smtp: nor smtps:`)
  return {
    host: host.replace(/^\[|\]$/g, ''),
    secure: protocol === 'smtps:',
    ...Object.fromEntries([...searchParams].map(([name, value]) => [name, parameterOf(name, value)])),
    ...(port !== '' && { port: Number(port) }),
    ...(username !== '' && {
      auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) },
    }),
  }
}

function parameterOf(name: string, value: string): boolean | number | string {
  if (flags.includes(name) && /^(?:true|false)$/.test(value)) return value === 'true'
  if (numbers.includes(name) && /^\d{1,9}$/.test(value)) return Number(value)
  if (texts.includes(name)) return value
  throw new TypeError(`${name}=${value} in the URL of a transport says nothing that is known`)
}
