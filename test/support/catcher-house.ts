// A Posthorn of the test profile with its catcher, and hands to send to it and to ask it over HTTP without a socket.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { CatcherEvent } from '../../src/catcher/message.ts'
import type { Catcher } from '../../src/catcher/catcher.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { EventMemory } from '../../src/events/event.ts'
import { type Posthorn, startPosthorn } from '../../src/main.ts'
import { LineSocket } from '../e2e/line-socket.ts'

export interface CatcherHouse {
  readonly posthorn: Posthorn
  readonly catcher: Catcher
  readonly events: EventMemory
  readonly told: CatcherEvent[]
  readonly smtpPort: number
  /** Of the HTTP listener, without a slash at the end. */
  readonly url: string
  /** MAIL, RCPT, DATA over a connection of its own; the reply to the end, or the refusal before. */
  send(message: string, envelope?: { from?: string; to?: readonly string[] }): Promise<string>
  dial(): Promise<LineSocket>
  get(path: string, init?: RequestInit): Promise<Response>
}

export async function openCatcherHouse(
  context: TestContext,
  settings: ConfigInput = {},
): Promise<CatcherHouse> {
  const events = new EventMemory()
  const listen = (service: 'catcher' | 'imap' | 'pop3' | 'http') =>
    ({ service, address: '127.0.0.1', port: 0, tls: service === 'http' ? 'none' : 'starttls' }) as const
  const config = resolveConfig([
    {
      name: 'test',
      settings: {
        profile: 'test',
        hostname: 'catcher.test',
        listeners: [listen('catcher'), listen('imap'), listen('pop3'), listen('http')],
        ...settings,
      },
    },
  ])
  const posthorn = await startPosthorn(config, { sinks: [events] })
  context.after(() => posthorn.stop())
  const { catcher } = posthorn.backend
  if (catcher === null) throw new Error('the test profile has no catcher')
  const told: CatcherEvent[] = []
  catcher.subscribe((event) => told.push(event))
  const port = (service: string): number => {
    const found = posthorn.listeners.find((one) => one.service === service)
    if (found === undefined) throw new Error(`no listener for ${service}`)
    return found.port
  }
  const url = `http://127.0.0.1:${port('http')}`
  const dial = (): Promise<LineSocket> => LineSocket.open(port('catcher'))
  return {
    ...{ posthorn, catcher, events, told, url, dial, smtpPort: port('catcher') },
    async send(message, { from = 'app@shop.example', to = ['ann@example.org'] } = {}) {
      const client = await dial()
      await client.reply()
      const text = message.replaceAll(/\r?\n/g, '\r\n')
      for (const line of [
        'EHLO client.example',
        `MAIL FROM:<${from}>`,
        ...to.map((one) => `RCPT TO:<${one}>`),
        'DATA',
        `${text}\r\n.`,
      ]) {
        client.send(`${line}\r\n`)
        const reply = (await client.reply()) ?? ''
        if (/^[45]/.test(reply) || reply === '' || line.endsWith('\r\n.')) {
          client.close()
          return reply
        }
      }
      return ''
    },
    get: (path, init) => fetch(`${url}${path}`, init),
  }
}

/** A message of one text part. */
export function letter(subject: string, body = 'Hello', fields: readonly string[] = []): string {
  return [
    'From: Shop <app@shop.example>',
    'To: Ann <ann@example.org>',
    `Subject: ${subject}`,
    ...fields,
    '',
    body,
  ].join('\n')
}

/** What our own API answers below `/api/v1/catcher`. */
export async function askCatcher<T>(the: CatcherHouse, path: string, init?: RequestInit): Promise<T> {
  const response = await the.get(`/api/v1/catcher${path}`, init)
  assert.ok(response.ok, `${path}: ${response.status} ${response.ok ? '' : await response.text()}`)
  return (await response.json()) as T
}

export const jsonRequest = (method: string, body: unknown): RequestInit => ({
  method,
  body: JSON.stringify(body),
})

export interface ListedMail {
  messages: { id: string; subject: string; tags: string[]; inbox: string; read: boolean }[]
  total: number
  unread: number
  next: string | null
}

/** The id of the newest message. */
export async function newestCaught(the: CatcherHouse): Promise<string> {
  const { messages } = await askCatcher<ListedMail>(the, '/messages')
  return messages[0]?.id ?? assert.fail('nothing was caught')
}

/** Of what a search finds, newest first. */
export async function subjectsOf(the: CatcherHouse, query = ''): Promise<string[]> {
  const found = await askCatcher<ListedMail>(the, `/messages?query=${encodeURIComponent(query)}`)
  return found.messages.map(({ subject }) => subject)
}
