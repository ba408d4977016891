// What SpamAssassin (spamd's protocol), rspamd (HTTP) or Postmark's service (HTTP, in the Internet) says of a message, where one is configured.
import { Buffer } from 'node:buffer'
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import type { Dialer } from '../../base/connection.ts'
import type { CatcherConfig } from '../../config/sections/catcher.ts'
import { errorText } from '../../events/error-text.ts'

export interface SpamRule {
  readonly name: string
  readonly score: number
  readonly description: string
}

export interface SpamVerdict {
  readonly isSpam: boolean
  readonly score: number
  /** From which score on it counts as spam. */
  readonly threshold: number
  /** The weightiest first. */
  readonly rules: readonly SpamRule[]
  /** '' where there was a verdict. */
  readonly error: string
}

export interface SpamCheckOptions {
  readonly config: NonNullable<CatcherConfig['spam']>
  readonly dialer: Dialer
  readonly clock: Clock
  readonly httpFetch: typeof fetch
  readonly lookUp: (host: string) => Promise<readonly string[]>
}

/** Never rejects. */
export async function checkSpam(message: Uint8Array, options: SpamCheckOptions): Promise<SpamVerdict> {
  try {
    const verdict = await ask[options.config.kind](message, options)
    const rules = verdict.rules.toSorted((one, other) => Math.abs(other.score) - Math.abs(one.score))
    return { ...verdict, rules }
  } catch (error) {
    return { isSpam: false, score: 0, threshold: 0, rules: [], error: errorText(error) }
  }
}

type Ask = (message: Uint8Array, options: SpamCheckOptions) => Promise<SpamVerdict>
const ask: Readonly<Record<SpamCheckOptions['config']['kind'], Ask>> = {
  spamassassin: askSpamd,
  rspamd: askRspamd,
  postmark: askPostmark,
}

const rspamdAnswer = z.object({
  score: z.number(),
  required_score: z.number(),
  action: z.string(),
  symbols: z.record(
    z.string(),
    z.object({ name: z.string().optional(), score: z.number(), description: z.string().optional() }),
  ),
})

async function askRspamd(message: Uint8Array, options: SpamCheckOptions): Promise<SpamVerdict> {
  const { host, port = 11_333 } = options.config
  const answer = rspamdAnswer.parse(
    await posted(`http://${host}:${port}/checkv2`, { body: Uint8Array.from(message), ...options }),
  )
  return {
    // Rspamd's actions from `add header` on are for spam.
    isSpam: /^(?:add header|rewrite subject|reject)$/.test(answer.action),
    ...{ score: answer.score, threshold: answer.required_score, error: '' },
    rules: Object.entries(answer.symbols).map(([name, { score, description = '' }]) => ({
      name,
      score,
      description,
    })),
  }
}

const points = z.coerce.number()
const postmarkAnswer = z.discriminatedUnion('success', [
  z.object({
    success: z.literal(true),
    score: points,
    rules: z.array(z.object({ score: points, description: z.string() })).default([]),
    /** SpamAssassin's table, which has the names of the rules. */
    report: z.string().default(''),
  }),
  z.object({ success: z.literal(false), message: z.string() }),
])
/** SpamAssassin's own, which the service does not tell. */
const postmarkThreshold = 5

/** As its public documentation has it: `{"email": …, "options": "long"}`. */
async function askPostmark(message: Uint8Array, options: SpamCheckOptions): Promise<SpamVerdict> {
  // JSON has no octets: what is no UTF-8 arrives as U+FFFD, in content that no rule reads so.
  const body = JSON.stringify({ email: Buffer.from(message).toString('utf8'), options: 'long' })
  const answer = postmarkAnswer.parse(
    await posted(options.config.url, { body, type: 'application/json', ...options }),
  )
  if (!answer.success) throw new Error(`Postmark: ${answer.message}`)
  const named = rulesOf(answer.report)
  return {
    isSpam: answer.score >= postmarkThreshold,
    ...{ score: answer.score, threshold: postmarkThreshold, error: '' },
    rules: named.length > 0 ? named : answer.rules.map((rule) => ({ name: '', ...rule })),
  }
}

interface Posting extends Pick<SpamCheckOptions, 'config' | 'clock' | 'httpFetch'> {
  readonly body: string | Uint8Array<ArrayBuffer>
  readonly type?: string
}

/** The JSON that is answered. Rejects with what went wrong, a time-out too. */
async function posted(url: string, { body, type, config, clock, httpFetch }: Posting): Promise<unknown> {
  const over = new AbortController()
  const timer = clock.after(config.timeout, () => over.abort(new Error('timed out')))
  try {
    const response = await httpFetch(url, {
      ...{ method: 'POST', body, redirect: 'error', signal: over.signal },
      headers: { accept: 'application/json', ...(type !== undefined && { 'content-type': type }) },
    })
    const pieces: Uint8Array[] = []
    let octets = 0
    for await (const piece of response.body ?? []) {
      octets += piece.length
      if (octets > longestAnswer) throw new Error('the answer is too long')
      pieces.push(piece)
    }
    if (!response.ok) throw new Error(`${config.kind}: HTTP ${response.status}`)
    return JSON.parse(Buffer.concat(pieces).toString('utf8'))
  } finally {
    timer.cancel()
  }
}

/** Octets of an answer that are read. */
const longestAnswer = 1024 * 1024

async function askSpamd(message: Uint8Array, options: SpamCheckOptions): Promise<SpamVerdict> {
  const { config, dialer, lookUp, clock } = options
  const [address] = await lookUp(config.host)
  if (address === undefined) throw new Error(`${config.host} has no address`)
  const target = { address, port: config.port ?? 783, timeoutMilliseconds: config.timeout }
  const connection = await dialer.dial(target)
  const answer = await new Promise<string>((resolve, reject) => {
    const pieces: Uint8Array[] = []
    let octets = 0
    const timer = clock.after(config.timeout, () => connection.destroy(new Error('timed out')))
    connection.onData = (bytes) => {
      pieces.push(bytes)
      octets += bytes.length
      if (octets > longestAnswer) connection.destroy(new Error('the answer is too long'))
    }
    connection.onEnd = () => connection.end()
    connection.onClose = (error) => {
      timer.cancel()
      if (error === null) resolve(Buffer.concat(pieces).toString('utf8'))
      else reject(error)
    }
    connection.resume()
    connection.write(`REPORT SPAMC/1.5\r\nContent-length: ${message.length}\r\n\r\n`)
    connection.write(message)
    connection.end()
  })
  return parseReport(answer)
}

/** `SPAMD/1.1 0 EX_OK`, `Spam: True ; 15.0 / 5.0`, and a table of rules. Throws an Error for anything else. */
export function parseReport(answer: string): SpamVerdict {
  const status = /^SPAMD\/[\d.]+ (\d+) (\S+)/.exec(answer)
  if (status?.[1] !== '0') throw new Error(`spamd: ${status?.[2] ?? 'no answer of the protocol'}`)
  const spam = /^Spam: (True|False|Yes|No) ; (-?[\d.]+) \/ (-?[\d.]+)/im.exec(answer)
  if (spam === null) throw new Error('spamd: no verdict in the answer')
  return {
    isSpam: /^(?:true|yes)$/i.test(spam[1] ?? ''),
    ...{ score: Number(spam[2]), threshold: Number(spam[3]), rules: rulesOf(answer), error: '' },
  }
}

/** Of SpamAssassin's table: points, name, description. */
function rulesOf(report: string): SpamRule[] {
  return [
    ...report.matchAll(/^[ \t]*(?:\*[ \t]+)?(-?\d+(?:\.\d+)?)[ \t]+([A-Z][A-Z0-9_]+)[ \t]*(.*)$/gm),
  ].map(([, score = '0', name = '', description = '']) => ({
    name,
    score: Number(score),
    description: description.trim(),
  }))
}
