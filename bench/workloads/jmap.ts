// JMAP on a large mailbox: queries and reads over HTTP on one kept connection, warm, in milliseconds at the median. The mail is that of
// `searching.ts`.
import { setTimeout as sleep } from 'node:timers/promises'
import { repeat, type Row } from '../report.ts'
import { type RunningServer, usageOf } from '../server.ts'

/** Rounds before those that count. */
const warmUps = 3

type Call = readonly [name: string, args: object]

const inMailbox = (inbox: string): object => ({ filter: { inMailbox: inbox }, limit: 50 })
const properties = [
  ...['id', 'threadId', 'mailboxIds', 'keywords', 'size', 'receivedAt', 'from', 'to', 'subject'],
  ...['preview', 'hasAttachment'],
]

/** By the inbox, and ids of 50 emails that stand together. */
const cases: readonly (readonly [name: string, call: (inbox: string, ids: readonly string[]) => Call])[] = [
  ['query', (inbox) => ['Email/query', { ...inMailbox(inbox), calculateTotal: true }]],
  ['query, collapsed', (inbox) => ['Email/query', { ...inMailbox(inbox), collapseThreads: true }]],
  ['query by from', (inbox) => ['Email/query', { ...inMailbox(inbox), sort: [{ property: 'from' }] }]],
  [
    'query unread',
    (inbox) => ['Email/query', { filter: { inMailbox: inbox, notKeyword: '$seen' }, limit: 50 }],
  ],
  ['query by text', () => ['Email/query', { filter: { text: 'xylophonist' }, limit: 50 }]],
  ['query by subject', () => ['Email/query', { filter: { subject: 'quetzalcoatl' }, limit: 50 }]],
  ['get 50 for a list', (_inbox, ids) => ['Email/get', { ids, properties }]],
  ['get 50 whole', (_inbox, ids) => ['Email/get', { ids, fetchTextBodyValues: true }]],
  ['Mailbox/get', () => ['Mailbox/get', { ids: null }]],
]

export async function measureJmap(
  server: RunningServer,
  options: {
    readonly port: number
    readonly user: string
    readonly messages: number
    readonly times: number
  },
): Promise<Row> {
  const url = `http://127.0.0.1:${options.port}/jmap`
  const authorization = `Basic ${Buffer.from(`${options.user}@bench.test:secret`).toString('base64')}`
  const session = (await (await fetch(`${url}/session`, { headers: { authorization } })).json()) as {
    primaryAccounts: Record<string, string>
  }
  const accountId = session.primaryAccounts['urn:ietf:params:jmap:mail'] ?? ''
  const ask = async ([name, args]: Call): Promise<Record<string, unknown>> => {
    const body = JSON.stringify({
      using: ['urn:ietf:params:jmap:core', 'urn:ietf:params:jmap:mail'],
      methodCalls: [[name, { accountId, ...args }, '0']],
    })
    const headers = { authorization, 'content-type': 'application/json' }
    const response = await fetch(`${url}/api`, { method: 'POST', headers, body })
    const { methodResponses } = (await response.json()) as {
      methodResponses: [[string, Record<string, unknown>]]
    }
    const [[told, answer]] = methodResponses
    if (told !== name) throw new Error(`${name}: ${JSON.stringify(answer)}`)
    return answer
  }
  await untilCalm(server)
  const list = (await ask(['Mailbox/get', { ids: null }]))['list'] as { id: string; role: string | null }[]
  const inbox = list.find(({ role }) => role === 'inbox')?.id ?? ''
  const { ids } = await ask(['Email/query', { ...inMailbox(inbox), position: 1_000 }])
  const figures: Record<string, number> = {}
  for (const [name, call] of cases) {
    const asked = call(inbox, ids as string[])
    const measured = await repeat(
      options.times,
      async () => {
        const start = performance.now()
        await ask(asked)
        return { [`${name} ms`]: performance.now() - start }
      },
      warmUps,
    )
    Object.assign(figures, measured)
  }
  return { workload: `JMAP, ${options.messages} messages of 2 KB`, server: server.name, figures }
}

/** What is done behind delivery is done. */
async function untilCalm(server: RunningServer): Promise<void> {
  for (let calm = 0; calm < 3;) {
    const before = usageOf(server.pids()).cpuSeconds
    await sleep(1_000)
    calm = usageOf(server.pids()).cpuSeconds - before < 0.05 ? calm + 1 : 0
  }
}
