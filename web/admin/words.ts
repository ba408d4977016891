// What events and states are called on this page. An event without words of its own is shown by its name and fields, as the log has it.
import type { BadgeTone } from '../shared/ui/badge.tsx'
import type { IconName } from '../shared/ui/icon.tsx'
import { formatDate, formatSize, plural } from '../shared/format.ts'
import type { LogRecord, QueuedRecipient } from './operations.ts'

type Fields = LogRecord['fields']

/** One step in a message's life. */
export interface Told {
  readonly title: string
  /** Why, in a sentence. */
  readonly detail: string
  /** What the other side said, verbatim. */
  readonly reply: string
  readonly tone: BadgeTone
  readonly icon: IconName
}

const roles: Readonly<Record<string, string>> = {
  mx: 'another host',
  submission: 'a log-in',
  http: 'the HTTP API',
  lmtp: 'LMTP',
  catcher: 'a client',
}

const refusedFor: Readonly<Record<string, string>> = {
  'unknown-user': 'no such address here',
  'not-local': 'not a domain of ours, and the sender did not log in',
  'disguised-relay': 'an address that hides another host',
  'remote-target': 'an alias leads elsewhere, and the sender did not log in',
  'owner-changed': 'the address has another owner now',
  'over-quota': 'the mailbox is full',
  rate: 'too much in too short a time',
  solicitation: 'solicitations of that kind are not wanted',
  'no-terminal': 'no terminal is open',
  unavailable: 'the store could not be asked',
  'bad-credentials': 'a wrong name or password',
  disabled: 'the account is disabled',
  throttled: 'too many wrong guesses',
}

/** A reason code of the server, in words where there are some. */
export function reasonInWords(reason: string): string {
  return refusedFor[reason] ?? reason.replaceAll('-', ' ')
}

const refusals: Readonly<Record<string, string>> = {
  'smtp.recipient-refused': 'Recipient refused',
  'smtp.message-refused': 'Message refused',
  'smtp.sender-refused': 'Sender refused: not an address of the log-in',
  'smtp.field-refused': 'From refused: not an address of the log-in',
  'smtp.rate-exceeded': 'Too much sent in an hour',
  'smtp.policy-refused': 'Refused by a filter',
  'http.message-refused': 'Request to send refused',
  'connection.refused': 'Connection over a limit',
}

/** A row of `server.overview`'s refusals. */
export function refusalInWords(what: string, reason: string): { title: string; detail: string } {
  return {
    title: refusals[what] ?? what,
    detail: what === 'smtp.policy-refused' ? reason : reason === '' ? '' : reasonInWords(reason),
  }
}

function text(fields: Fields, name: string): string {
  const value = fields[name]
  return value === null || value === undefined ? '' : String(value)
}

function number(fields: Fields, name: string): number {
  const value = fields[name]
  return typeof value === 'number' ? value : 0
}

type Tell = (fields: Fields) => Omit<Told, 'reply'> & { readonly reply?: string }

function hostOf(fields: Fields): string {
  const host = text(fields, 'host')
  const address = text(fields, 'address')
  const named = host === '' ? 'no host' : address === '' || address === host ? host : `${host} [${address}]`
  const tls = text(fields, 'tls')
  return tls === '' ? named : `${named}, ${tls}`
}

function verified(fields: Fields): string {
  const verification = text(fields, 'verification')
  const policy = text(fields, 'policy')
  return [verification && `verified: ${verification}`, policy && `policy: ${policy}`]
    .filter((word) => word !== '')
    .join(' · ')
}

const orderWords: Readonly<Record<string, string>> = {
  hold: 'Held',
  release: 'Released',
  retry: 'Made due now',
  reroute: 'Rerouted',
  fail: 'Given up',
  discard: 'Discarded',
}

const decisionWords: Readonly<Record<string, string>> = {
  refuse: 'refused',
  rewrite: 'changed it',
  quarantine: 'held it for an operator',
  discard: 'threw it away',
}

const withheldFor: Readonly<Record<string, string>> = {
  automatic: 'the message was sent by a program or a list',
  'own-address': 'it is the owner’s own address',
  'not-addressed': 'no address of the owner stands in To or Cc',
  'answered-lately': 'it was told within the last week',
  refused: 'the answer could not be delivered',
  gone: 'the account is gone',
}

const tellers: Readonly<Record<string, Tell>> = {
  'smtp.message-accepted': (fields) => ({
    title: `Accepted from ${roles[text(fields, 'role')] ?? text(fields, 'role')}`,
    detail: [
      `${text(fields, 'reversePath') || 'the null sender'} at ${text(fields, 'remoteAddress')}`,
      plural(number(fields, 'recipients'), 'recipient'),
      formatSize(number(fields, 'bytes')),
    ].join(' · '),
    tone: 'good',
    icon: 'check',
  }),
  'http.message-accepted': (fields) => ({
    title: 'Accepted from the HTTP API',
    detail: `${text(fields, 'account')} at ${text(fields, 'remoteAddress')}, ${plural(number(fields, 'recipients'), 'recipient')}`,
    tone: 'good',
    icon: 'check',
  }),
  'smtp.message-refused': (fields) => ({
    title: 'Refused after it was read',
    detail: reasonInWords(text(fields, 'reason')),
    tone: 'bad',
    icon: 'close',
  }),
  'smtp.recipient-refused': (fields) => ({
    title: `Refused ${text(fields, 'recipient')}`,
    detail: `${reasonInWords(text(fields, 'reason'))}; it came from ${text(fields, 'remoteAddress')}`,
    tone: 'bad',
    icon: 'close',
  }),
  'smtp.sender-refused': (fields) => ({
    title: `Refused the sender ${text(fields, 'reversePath')}`,
    detail: `${text(fields, 'username')} may not send under it`,
    tone: 'bad',
    icon: 'close',
  }),
  'smtp.message-quarantined': (fields) => ({
    title: 'Held for an operator by a filter',
    detail: `${text(fields, 'by')}: ${text(fields, 'reason')}`,
    tone: 'warn',
    icon: 'pause',
  }),
  'smtp.message-discarded': (fields) => ({
    title: 'Thrown away by a filter',
    detail: text(fields, 'by'),
    tone: 'warn',
    icon: 'trash',
  }),
  'smtp.policy-refused': (fields) => ({
    title:
      text(fields, 'recipient') === ''
        ? 'Refused by a filter'
        : `A filter refused ${text(fields, 'recipient')}`,
    detail: `${text(fields, 'by')}, asked at ${text(fields, 'stage')}`,
    reply: text(fields, 'reply'),
    tone: 'bad',
    icon: 'close',
  }),
  'hook.decided': (fields) => ({
    title: `${text(fields, 'by')}: ${decisionWords[text(fields, 'decision')] ?? text(fields, 'decision')}`,
    detail: [text(fields, 'detail'), `asked at ${text(fields, 'stage')}`]
      .filter((word) => word !== '')
      .join(' · '),
    tone: text(fields, 'decision') === 'rewrite' ? 'plain' : 'warn',
    icon: 'shield',
  }),
  'hook.accepted': (fields) => ({
    title: `${text(fields, 'by')}: accepted as it is`,
    detail: '',
    tone: 'plain',
    icon: 'shield',
  }),
  'hook.failed': (fields) => ({
    title: `${text(fields, 'by')} could not judge`,
    detail: `${reasonInWords(text(fields, 'failure'))} at ${text(fields, 'stage')}: ${text(fields, 'error')}; what is configured for that: ${text(fields, 'then')}`,
    tone: 'bad',
    icon: 'shield',
  }),
  'delivery.message-accepted': (fields) => ({
    title: `Accepted from ${text(fields, 'origin') === 'api' ? 'the HTTP API or JMAP' : 'this machine'}`,
    detail: [
      text(fields, 'reversePath') || 'the null sender',
      plural(number(fields, 'recipients'), 'recipient'),
      formatSize(number(fields, 'bytes')),
    ].join(' · '),
    tone: 'good',
    icon: 'check',
  }),
  'delivery.routed': (fields) => ({
    title: `${text(fields, 'recipient')} leads to ${text(fields, 'to')}`,
    detail: text(fields, 'because'),
    tone: 'plain',
    icon: 'forward',
  }),
  'delivery.over-at-once': (fields) => ({
    title: `${text(fields, 'recipient')}: nothing was tried`,
    detail: text(fields, 'outcome'),
    reply: text(fields, 'reply'),
    tone: 'bad',
    icon: 'close',
  }),
  'vacation.answered': (fields) => ({
    title: `${text(fields, 'to')} was told that the owner is away`,
    detail: '',
    tone: 'plain',
    icon: 'reply',
  }),
  'vacation.withheld': (fields) => ({
    title: `${text(fields, 'to')} was not told that the owner is away`,
    detail: withheldFor[text(fields, 'reason')] ?? reasonInWords(text(fields, 'reason')),
    tone: 'plain',
    icon: 'reply',
  }),
  'vacation.failed': (fields) => ({
    title: 'A vacation answer could not be sent',
    detail: text(fields, 'error'),
    tone: 'warn',
    icon: 'reply',
  }),
  'relay.hosts-found': (fields) => ({
    title: `Mail hosts of ${text(fields, 'destination')}`,
    detail: `${text(fields, 'hosts')}${fields['authentic'] === true ? ', proven by DNSSEC' : ''}`,
    tone: 'plain',
    icon: 'globe',
  }),
  'relay.host-failed': (fields) => ({
    title: `${hostOf(fields)} could not be used`,
    detail: [`at ${text(fields, 'stage')}`, verified(fields)].filter((word) => word !== '').join(' · '),
    reply: text(fields, 'problem'),
    tone: 'warn',
    icon: 'close',
  }),
  'relay.policy-failed': (fields) => ({
    title: `${text(fields, 'host')} did not meet the TLS policy ${text(fields, 'policy')}`,
    detail: `${text(fields, 'problem')}; ${fields['obeyed'] === true ? 'mail did not go there' : 'it was not to be obeyed'}`,
    tone: 'warn',
    icon: 'lock',
  }),
  'relay.fell-back': (fields) => ({
    title: `${text(fields, 'host')} gets it in the clear`,
    detail: text(fields, 'problem'),
    tone: 'warn',
    icon: 'lock',
  }),
  'queue.destination-dead': (fields) => ({
    title: `${text(fields, 'destination')} counts as dead`,
    detail: `${plural(number(fields, 'failures'), 'failure')}; a probe goes out ${formatDate(number(fields, 'retryAt'))}`,
    reply: text(fields, 'reason'),
    tone: 'bad',
    icon: 'clock',
  }),
  'queue.destination-alive': (fields) => ({
    title: `${text(fields, 'destination')} takes mail again`,
    detail: '',
    tone: 'good',
    icon: 'check',
  }),
  'queue.automatic-refused': (fields) => ({
    title: `${text(fields, 'recipient')}: beyond the ceiling for automatic mail`,
    detail: `from ${text(fields, 'sender')}: a loop was cut`,
    tone: 'bad',
    icon: 'close',
  }),
  'smtp.message-rewritten': (fields) => ({
    title: 'Changed by a filter',
    detail: text(fields, 'by'),
    tone: 'plain',
    icon: 'draft',
  }),
  'smtp.message-shown': (fields) => ({
    title: 'Shown on terminals',
    detail: plural(number(fields, 'terminals'), 'terminal'),
    tone: 'good',
    icon: 'terminal',
  }),
  'delivery.placed': (fields) => ({
    title: `In the mailbox of ${text(fields, 'recipient')}`,
    detail: `mailbox ${text(fields, 'mailbox')}, UID ${text(fields, 'uid')}`,
    tone: 'good',
    icon: 'inbox',
  }),
  'delivery.not-placed': (fields) => ({
    title: `Not taken by the mailbox of ${text(fields, 'recipient')}`,
    detail: reasonInWords(text(fields, 'reason')),
    tone: 'bad',
    icon: 'close',
  }),
  'relay.attempt': (fields) => ({
    title: `Offered for ${text(fields, 'recipient')}`,
    detail: [
      `route ${text(fields, 'route')}`,
      hostOf(fields),
      verified(fields),
      `at ${text(fields, 'stage')}`,
    ]
      .filter((word) => word !== '')
      .join(' · '),
    reply: text(fields, 'reply'),
    tone: 'plain',
    icon: 'send',
  }),
  'queue.delivered': (fields) => ({
    title: `${text(fields, 'recipient')}: ${text(fields, 'outcome') || 'delivered'}`,
    detail: '',
    reply: text(fields, 'reply'),
    tone: 'good',
    icon: 'check',
  }),
  'queue.deferred': (fields) => ({
    title: `${text(fields, 'recipient')} waits`,
    detail: `next attempt ${formatDate(number(fields, 'nextAttempt'))}`,
    reply: text(fields, 'reply'),
    tone: 'warn',
    icon: 'clock',
  }),
  'queue.failed': (fields) => ({
    title: `${text(fields, 'recipient')} is given up`,
    detail: `${text(fields, 'outcome')} at ${text(fields, 'stage')}, ${text(fields, 'status')}`,
    reply: text(fields, 'reply'),
    tone: 'bad',
    icon: 'close',
  }),
  'queue.unknown-outcome': (fields) => ({
    title: `${text(fields, 'recipient')}: nobody knows`,
    detail: 'The connection broke between the final dot and its reply: it may have been delivered.',
    reply: text(fields, 'reply'),
    tone: 'warn',
    icon: 'help',
  }),
  'queue.held': (fields) => ({
    title: `${text(fields, 'recipient')} is held`,
    detail: text(fields, 'reason'),
    tone: 'warn',
    icon: 'pause',
  }),
  'queue.ordered': (fields) => ({
    title: `${orderWords[text(fields, 'order')] ?? text(fields, 'order')} by an operator`,
    detail: [text(fields, 'by'), text(fields, 'recipient'), text(fields, 'reason')]
      .filter((word) => word !== '')
      .join(': '),
    tone: ['fail', 'discard'].includes(text(fields, 'order')) ? 'bad' : 'horn',
    icon: 'user',
  }),
  'queue.report-sent': (fields) => ({
    title: `A report went to ${text(fields, 'to')}`,
    detail: `${text(fields, 'kind')}, of ${plural(number(fields, 'recipients'), 'recipient')}`,
    tone: 'plain',
    icon: 'mail',
  }),
  'queue.report-dropped': (fields) => ({
    title: 'A report was due, and nobody is to have it',
    detail: reasonInWords(text(fields, 'reason')),
    tone: 'warn',
    icon: 'mail',
  }),
  'queue.bounce-matched': (fields) => ({
    title: `A report came in for ${text(fields, 'recipient')}`,
    detail: `${text(fields, 'action')}, ${text(fields, 'status')}`,
    tone: 'warn',
    icon: 'reply',
  }),
  'queue.double-bounce': (fields) => ({
    title: `${text(fields, 'recipient')}: no sender to tell`,
    detail: text(fields, 'status'),
    reply: text(fields, 'reply'),
    tone: 'bad',
    icon: 'close',
  }),
}

/** An event in words; undefined where it has none. */
export function tellEvent({ name, fields }: Pick<LogRecord, 'name' | 'fields'>): Told | undefined {
  const told = tellers[name]?.(fields)
  return told === undefined ? undefined : { reply: '', ...told }
}

/** Fields in one line, as the log has them. */
export function fieldsInLine(fields: Fields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('  ')
}

export const levelTones: Readonly<Record<LogRecord['level'], BadgeTone>> = {
  debug: 'plain',
  info: 'plain',
  warn: 'warn',
  error: 'bad',
}

export const stateTones: Readonly<Record<QueuedRecipient['state'], BadgeTone>> = {
  waiting: 'link',
  active: 'horn',
  held: 'warn',
  settled: 'plain',
}

/** Where a recipient stands: its outcome once there is one. */
export function standing({ state, outcome }: QueuedRecipient): { word: string; tone: BadgeTone } {
  if (outcome === null) return { word: state === 'active' ? 'being tried' : state, tone: stateTones[state] }
  const good = ['delivered', 'relayed', 'expanded', 'handed-over'].includes(outcome)
  return {
    word: outcome.replaceAll('-', ' '),
    tone: good ? 'good' : outcome === 'discarded' ? 'warn' : 'bad',
  }
}
