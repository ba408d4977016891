// Catching mail beside maildev: how soon it is ready, how fast it takes 10,000 messages, and what it holds in memory then.
//
// The messages are three: the plain text that smtp-source makes, a letter as applications send it (text and HTML, encoded), and an
// invoice with a file. Every case is a fresh start of the catcher, so that memory is that of the case alone.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { meterCpu } from '../cpu-meter.ts'
import { smtpSource } from '../load/smtp-source.ts'
import { unpackPackage } from '../package.ts'
import { repeat, type Row } from '../report.ts'
import {
  bareCatcher,
  type CatcherProgram,
  installMaildev,
  maildevVersion,
  posthornCatcher,
} from '../rivals/catchers.ts'
import { proportionalBytes } from '../server.ts'

interface Case {
  readonly name: string
  readonly sessions: number
  /** What one message has, about. */
  readonly kilobytes: number
  /** A file with the message; undefined: what smtp-source makes. */
  readonly file?: string
}

export interface CatcherBench {
  readonly ports: { readonly smtp: number; readonly http: number }
  readonly messages: number
  /** Starts, for the time until it is ready. */
  readonly starts: number
  readonly times: number
  readonly say: (text: string) => void
}

/** All of it; maildev is left out, and said so, where it cannot be installed. */
export async function measureCatchers(bench: CatcherBench): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-bench-catcher-'))
  try {
    bench.say('catcher: building the package')
    const packed = await unpackPackage(folder)
    const programs = [posthornCatcher(folder, { packed, ports: bench.ports })]
    try {
      programs.push(await installMaildev(folder, bench.ports))
    } catch (error) {
      bench.say(`MAILDEV ${maildevVersion} IS NOT MEASURED: ${String(error).split('\n', 1)[0]}`)
    }
    const file = join(folder, 'letter.eml')
    await writeFile(file, letter())
    const invoiceFile = join(folder, 'invoice.eml')
    await writeFile(invoiceFile, invoice())
    const cases: Case[] = [
      ...[1, 10, 50].map((sessions) => ({
        name: `plain text, ${sessions} sessions`,
        sessions,
        kilobytes: 4,
      })),
      { name: 'text and HTML, 10 sessions', sessions: 10, kilobytes: 4, file },
      { name: 'with a file, 10 sessions', sessions: 10, kilobytes: 86, file: invoiceFile },
    ]
    const rows: Row[] = []
    for (const program of programs) {
      bench.say(`catcher: ${program.name} from start to ready`)
      rows.push(await measureReady(program, { folder, starts: bench.starts }))
    }
    for (const one of cases) {
      for (const program of [...programs, bareCatcher(bench.ports)]) {
        bench.say(`catcher: ${one.name}: ${program.name}`)
        rows.push(await measureCatching(program, one, bench))
      }
    }
    return rows
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measureReady(
  program: CatcherProgram,
  { folder, starts }: { folder: string; starts: number },
): Promise<Row> {
  const cache = join(folder, 'compile-cache')
  const once = async (): Promise<Record<string, number>> => {
    await using catcher = await program.start({ cache })
    return {
      'to 220, ms': catcher.secondsToGreeting * 1000,
      'to the page, ms': catcher.secondsToPage * 1000,
    }
  }
  const first = await once()
  const later = await repeat(starts, once)
  await rm(cache, { recursive: true, force: true })
  const figures = {
    ...Object.fromEntries(Object.entries(first).map(([name, value]) => [`first ${name}`, value])),
    ...later,
  }
  return { workload: 'start to ready', server: program.name, figures }
}

async function measureCatching(program: CatcherProgram, one: Case, bench: CatcherBench): Promise<Row> {
  const { messages, ports } = bench
  const figures = await repeat(bench.times, async () => {
    await using catcher = await program.start()
    // What a start leaves behind is let go a second after it.
    await sleep(2000)
    const rest = proportionalBytes(catcher.pids())
    using meter = meterCpu(catcher.pids)
    const seconds = await smtpSource({
      ...{ port: ports.smtp, sessions: one.sessions, messages, size: 4096, connections: 'kept' },
      ...(one.file !== undefined && { file: one.file }),
    })
    // What is written behind the reply is part of the work.
    await sleep(2000)
    const after = proportionalBytes(catcher.pids())
    return {
      'caught/s': messages / seconds,
      'CPU ms each': (meter.take() / messages) * 1000,
      'PSS at rest, MB': rest / 1e6,
      'PSS after, MB': after / 1e6,
      'KB each': (after - rest) / messages / 1024,
    }
  })
  return { workload: `${messages} × ${one.kilobytes} KB, ${one.name}`, server: program.name, figures }
}

/** The letter with a document of 60 KB. */
function invoice(): string {
  const [header = '', type = '', ...body] = letter().split(/^(Content-Type: multipart.*)$/m)
  const document = new SeededRandom(1).bytes(60 * 1024).toBase64()
  return [
    `${header}Content-Type: multipart/mixed; boundary="b0"\n\n--b0\n${type}${body.join('')}`,
    '--b0\nContent-Type: application/pdf; name="invoice.pdf"\nContent-Transfer-Encoding: base64\n',
    'Content-Disposition: attachment; filename="invoice.pdf"\n\n',
    `${document.replaceAll(/.{76}/g, '$&\n')}\n--b0--\n`,
  ].join('')
}

/** About 4 KB, quoted-printable, as a shop sends it. */
function letter(): string {
  const line = 'Hello Ann, your parcel with three pairs of socks is on its way to you.\n'
  const row =
    '<tr><td style=3D"padding:8px;color:#333">Socks, pair</td><td class=3D"price">=E2=82=AC 4.20</td></tr>\n'
  return [
    'From: Shop <shop@client.test>\nTo: Ann <user0@bench.test>\nSubject: =?utf-8?Q?Your_order_=E2=80=93_on_its_way?=\n',
    'Date: Sun, 22 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\n',
    'Content-Type: multipart/alternative; boundary="b1"\n\n',
    '--b1\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n',
    line.repeat(18),
    '--b1\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n',
    `<html><body><h1>Your order</h1><table>\n${row.repeat(20)}</table>\n`,
    '<p><a href=3D"https://shop.example/track?id=3D2041">Follow your parcel</a></p></body></html>\n--b1--\n',
  ].join('')
}
