// A password for a command: asked for on a terminal, without showing it; else the first line of standard input.
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { CommandError, exitCode, type Io, readInput } from './io.ts'

/** Never empty. */
export async function askPassword(io: Io, question: string): Promise<string> {
  const password = io.input.isTTY === true ? await prompted(io, question) : await firstLine(io)
  if (password === '') throw new CommandError(exitCode.usage, 'No password was given.')
  return password
}

async function firstLine(io: Io): Promise<string> {
  const [password = ''] = (await readInput(io)).split(/\r?\n/)
  return password
}

async function prompted(io: Io, question: string): Promise<string> {
  io.err(`${question}: `)
  // What is typed is echoed by readline alone, and goes nowhere.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: io.input, output, terminal: true })
  try {
    return await reader.question('')
  } finally {
    reader.close()
    io.err('\n')
  }
}
