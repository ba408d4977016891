// Sends caught messages to the one host that the configuration names: when somebody releases them, and by itself where it says so.
//
// Nothing else ever leaves a catcher. A message goes without the trace that the catcher wrote and without Bcc; its bytes are otherwise
// those that came, unless the configuration wants another From or Message-ID.
import { Buffer } from 'node:buffer'
import type { Clock } from '../base/clock.ts'
import type { Dialer } from '../base/connection.ts'
import type { Random } from '../base/random.ts'
import type { CatcherRelayConfig } from '../config/sections/catcher.ts'
import { errorText } from '../events/error-text.ts'
import { plainMessageOptions, plainRecipientOptions } from '../mail/delivery-options.ts'
import { type HeaderEdit, HeaderEditor } from '../mail/header-edit.ts'
import type { SmtpClient } from '../smtp/client/client.ts'
import type { ServerReply } from '../smtp/client/reply.ts'
import { openSmtpClient } from '../smtp/client/session.ts'
import type { DeliveryOutcome } from '../smtp/client/outgoing.ts'
import { compilePattern } from './pattern.ts'

export interface ReleaseParts {
  readonly config: CatcherRelayConfig
  readonly hostname: string
  readonly dialer: Dialer
  /** Addresses of a host; rejects where there are none. */
  readonly lookUp: (host: string) => Promise<readonly string[]>
  readonly clock: Clock
  readonly random: Random
}

export interface ReleaseRequest {
  readonly reversePath: string
  readonly recipients: readonly string[]
  /** As it came. */
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  /** Whether the message gets a Message-ID of its own, whatever the configuration says. */
  readonly newMessageId?: boolean
}

export type Allowed =
  | { readonly ok: true }
  | { readonly ok: false; readonly refused: readonly string[]; readonly by: 'allow' | 'block' }

/** Whether the configuration lets mail go to all of them. */
export function mayRelease({ allow, block }: CatcherRelayConfig, recipients: readonly string[]): Allowed {
  const allowed = allow === undefined ? null : compilePattern(allow)
  const unwanted = recipients.filter((one) => allowed?.(one) === false)
  if (unwanted.length > 0) return { ok: false, refused: unwanted, by: 'allow' }
  const blocked = block === undefined ? null : compilePattern(block, { late: true })
  const stopped = recipients.filter((one) => blocked?.(one) === true)
  return stopped.length > 0 ? { ok: false, refused: stopped, by: 'block' } : { ok: true }
}

/** Null where all recipients were taken, else why not, in words. Never rejects. */
export async function release(parts: ReleaseParts, request: ReleaseRequest): Promise<string | null> {
  try {
    const content = await edited(parts, request)
    const client = await connect(parts)
    if (typeof client === 'string') return client
    try {
      const { recipients } = await client.send({
        reversePath: parts.config.returnPath ?? request.reversePath,
        recipients: request.recipients.map((address) => ({ address, options: plainRecipientOptions })),
        options: {
          ...plainMessageOptions,
          smtpUtf8: [request.reversePath, ...request.recipients].some((one) => /[^\x20-\x7e]/.test(one)),
        },
        size: content.length,
        content: async function* () {
          yield await Promise.resolve(content)
        },
        eightBit: content.some((octet) => octet > 127),
      })
      const trouble = recipients.map(problemOf).filter((one) => one !== null)
      await client.quit()
      return trouble.length === 0 ? null : [...new Set(trouble)].join('; ')
    } finally {
      client.close()
    }
  } catch (error) {
    return errorText(error)
  }
}

/** The message as it leaves. */
async function edited(
  { config, random, hostname }: ReleaseParts,
  { content, newMessageId = false }: ReleaseRequest,
): Promise<Buffer> {
  const edits: HeaderEdit[] = [{ type: 'remove', name: 'Bcc' }]
  if (config.overrideFrom !== undefined) {
    edits.push(
      { type: 'remove', name: 'From' },
      { type: 'add-missing', name: 'From', value: config.overrideFrom },
    )
  }
  if (newMessageId || !config.preserveMessageIds) {
    const value = `<${random.id()}@${hostname}>`
    edits.push({ type: 'remove', name: 'Message-ID' }, { type: 'add-missing', name: 'Message-ID', value })
  }
  const editor = new HeaderEditor({ edits, maxHeaderOctets: 1024 * 1024 })
  const pieces: Uint8Array[] = []
  for await (const bytes of content) pieces.push(...editor.push(bytes))
  pieces.push(...editor.finish())
  if (editor.failed) throw new Error('the header of the message is too big')
  return Buffer.concat(pieces)
}

async function connect(parts: ReleaseParts): Promise<SmtpClient | string> {
  const { config, dialer, clock, hostname, lookUp, random } = parts
  const addresses = await lookUp(config.host)
  let failure = `${config.host} has no address`
  for (const address of addresses) {
    try {
      const connection = await dialer.dial({
        address,
        port: config.port,
        timeoutMilliseconds: config.timeout,
      })
      if (config.tls === 'implicit') {
        const tls = await connection.startClientTls({ serverName: config.host })
        const problem = config.verify ? (tls.peerCertificate?.problem ?? null) : null
        if (problem !== null) {
          connection.destroy()
          return `the certificate of ${config.host} is not good: ${problem}`
        }
      }
      const timeouts = { greeting: config.timeout, hello: config.timeout, reply: config.timeout }
      const opened = await openSmtpClient(connection, {
        dialect: 'smtp',
        heloName: hostname,
        clock,
        timeouts,
      })
      if (opened.type === 'ended')
        return `the connection ended: ${opened.ending.type} at ${opened.ending.stage}`
      if (opened.type === 'refused') return replyText(opened.reply)
      const problem = (await secure(opened.session, config)) ?? (await logIn(opened.session, config, random))
      if (problem === null) return opened.session
      opened.session.close()
      return problem
    } catch (error) {
      failure = errorText(error)
    }
  }
  return failure
}

async function secure(client: SmtpClient, { tls, host, verify }: CatcherRelayConfig): Promise<string | null> {
  if (client.tls !== null || tls === 'implicit') return null
  if (!client.capabilities.startTls) return tls === 'starttls' ? `${host} offers no STARTTLS` : null
  const started = await client.startTls({ serverName: host })
  if (started.type !== 'done')
    return started.type === 'refused' ? replyText(started.reply) : 'the TLS handshake failed'
  const problem = tls === 'starttls' && verify ? (started.tls.peerCertificate?.problem ?? null) : null
  return problem === null ? null : `the certificate of ${host} is not good: ${problem}`
}

async function logIn(
  client: SmtpClient,
  { username, password, tls }: CatcherRelayConfig,
  random: Random,
): Promise<string | null> {
  if (username === undefined || password === undefined) return null
  const done = await client.authenticate({
    identity: { type: 'password', username, password },
    // Who configured no TLS for a host has decided so.
    inTheClear: tls === 'none' ? 'allowed' : 'refused',
    random,
  })
  switch (done.type) {
    case 'done':
      return null
    case 'refused':
      return replyText(done.reply)
    case 'no-mechanism':
      return `no log-in is possible: the host offers ${done.offered.join(' ') || 'none'}`
    case 'not-authentic':
      return done.problem
    case 'ended':
      return 'the connection ended at the log-in'
  }
}

function problemOf(outcome: DeliveryOutcome): string | null {
  switch (outcome.type) {
    case 'accepted':
      return null
    case 'refused':
      return replyText(outcome.reply)
    case 'lost':
    case 'unknown':
      return `the connection ended: ${outcome.ending.type} at ${outcome.ending.stage}`
    case 'cannot-carry':
      return outcome.reason
    case 'beyond-limit':
      return outcome.limit
    case 'content-failed':
      return errorText(outcome.error)
  }
}

function replyText({ verbatim }: ServerReply): string {
  return verbatim.replaceAll('\n', ' ')
}
