// Mail on its way out of a whole Posthorn: a user submits it with nodemailer, and the events tell what became of it.
import { createTransport } from 'nodemailer'
import type { ConfigInput } from '../../src/config/schema.ts'
import type { EventRecord } from '../../src/events/event.ts'
import { until } from './mail-host.ts'
import { type InteropServer, password } from './server.ts'

/** Settings of a queue that tries again soon. */
export const hasty: NonNullable<ConfigInput['queue']> = {
  retry: { after: ['200ms'] },
  backOff: { first: '200ms', longest: '200ms' },
}

export interface Submission {
  readonly to: string | readonly string[]
  readonly text: string | Buffer
  readonly dsn?: {
    readonly notify?: string[]
    readonly ret?: 'HDRS' | 'FULL'
    readonly envid?: string
    readonly orcpt?: string
  }
  readonly eightBit?: boolean
}

/** Ann submits it by STARTTLS; gives what the 250 says. */
export async function submit(
  server: InteropServer,
  { to, text, dsn, eightBit }: Submission,
): Promise<string> {
  const transport = createTransport({
    host: '127.0.0.1',
    port: server.ports.submission,
    requireTLS: true,
    tls: { rejectUnauthorized: false },
    auth: { user: 'ann@mail.test', pass: password },
  })
  try {
    const envelope = {
      from: 'ann@mail.test',
      to: [to].flat(),
      use8BitMime: eightBit ?? false,
      ...(dsn === undefined ? {} : { dsn }),
    }
    const sent = await transport.sendMail({ envelope, raw: text })
    return sent.response
  } finally {
    transport.close()
  }
}

/** What the queue told of a recipient, as soon as it has told an event of that name so often. */
export async function untilTold(
  server: InteropServer,
  { name, recipient, count = 1 }: { name: string; recipient: string; count?: number },
): Promise<EventRecord['fields']> {
  return until(`${name} of ${recipient}`, async () => {
    const told = server.events.records.filter(
      (record) => record.name === name && record.fields['recipient'] === recipient,
    )
    return told.length >= count ? told.at(-1)?.fields : undefined
  })
}
