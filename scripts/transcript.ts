// Plays transcripts against a server that already runs somewhere:
//
//   node scripts/transcript.ts --server HOST --port smtp=25 [--port imap=143] [--tls] [--prepared] FILE…
//
// It never changes that server except by what the transcript says. A file that wants fixtures is skipped unless
// `--prepared` says that a person has seen to them; what only the inside of a server shows is counted as unchecked.
import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { parseTranscript } from '../test/support/transcript-parser.ts'
import { playTranscript, TranscriptUnsupported, type TranscriptHost } from '../test/support/transcript.ts'
import { connectEndpoint } from '../test/support/transcript-transport.ts'

const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', multiple: true, default: [] },
    tls: { type: 'boolean', default: false },
    prepared: { type: 'boolean', default: false },
  },
})

const ports = new Map(
  options.port.map((entry) => {
    const [name = '', number = ''] = entry.split('=')
    return [name, Number(number)] as const
  }),
)

/** A host for one file. `unchecked` counts the expectations that cannot be seen from outside. */
function openHost(usualPort: string): TranscriptHost & { unchecked: number } {
  return {
    unchecked: 0,
    connect(_connection, port = usualPort) {
      const number = ports.get(port)
      if (number === undefined) throw new TranscriptUnsupported(`no --port ${port}=…`)
      return connectEndpoint({ host: options.server, port: number, tls: options.tls })
    },
    fixture(clause) {
      if (!options.prepared) throw new TranscriptUnsupported(`wants: ${clause}`)
      return Promise.resolve()
    },
    expect() {
      this.unchecked++
      return Promise.resolve()
    },
  }
}

if (files.length === 0) {
  process.stderr.write('usage: node scripts/transcript.ts --server HOST --port smtp=25 FILE…\n')
  process.exitCode = 64
}
for (const file of files) {
  const host = openHost(basename(dirname(resolve(file))))
  try {
    await playTranscript(parseTranscript(readFileSync(file, 'utf8'), file), host)
    const rest = host.unchecked === 0 ? '' : ` (${host.unchecked} expectations not checked)`
    process.stdout.write(`ok      ${file}${rest}\n`)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const skipped = error instanceof TranscriptUnsupported
    process.stdout.write(`${skipped ? 'skipped' : 'FAILED '} ${skipped ? `${file}: ` : ''}${error.message}\n`)
    if (!skipped) process.exitCode = 1
  }
}
