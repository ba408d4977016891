// A small DNS server on loopback: it knows what the test tells it, and says of everything else that it does not exist.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, RECURSION_AVAILABLE } from 'dns-packet'

/** Records by name. */
export type Zone = Readonly<
  Record<string, { readonly A?: readonly string[]; readonly MX?: readonly (readonly [number, string])[] }>
>

const nameError = 3

/** Gives its `address:port`. */
export async function startZone(context: TestContext, zone: Zone): Promise<string> {
  const socket = createSocket('udp4')
  socket.on('message', (message, from) => {
    const query = decode(message)
    const [question] = query.questions
    const records = zone[question?.name.toLowerCase() ?? '']
    const answers = question === undefined ? [] : answersOf(question, records ?? {})
    const flags = RECURSION_AVAILABLE | AUTHORITATIVE_ANSWER | (records === undefined ? nameError : 0)
    const reply = encode({ type: 'response', id: query.id, flags, questions: query.questions, answers })
    socket.send(reply, from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  context.after(() => socket.close())
  return `127.0.0.1:${socket.address().port}`
}

function answersOf({ name, type }: { name: string; type: string }, records: Zone[string]): Answer[] {
  if (type === 'A') return (records.A ?? []).map((data) => ({ type, name, ttl: 60, data }))
  if (type !== 'MX') return []
  return (records.MX ?? []).map(([preference, exchange]) => ({
    type,
    name,
    ttl: 60,
    data: { preference, exchange },
  }))
}
