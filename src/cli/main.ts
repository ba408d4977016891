// The command line's beginning and end: which commands are loaded, and what becomes of errors.
//
// A server loads its own two commands alone: the others would take a tenth of its start and some memory for as long as it runs.
// Errors are one sentence that says what to do next, on standard error, and an exit code (io.ts). A stack is printed only for
// what should never happen.
import { type Command, CommanderError } from 'commander'
import { errorText } from '../events/error-text.ts'
import { makeBaseProgram } from './base-program.ts'
import { CommandError, exitCode, type Io } from './io.ts'
import { addServeCommands, serveCommands } from './serve-commands.ts'

/** With at least the command that is asked for. */
async function programFor([name, ...rest]: readonly string[], io: Io): Promise<Command> {
  const isHelp = rest.includes('--help') || rest.includes('-h')
  if (name !== undefined && serveCommands.includes(name) && !isHelp) {
    // Before anything else: what is loaded later leaves V8 with other ideas of when to collect (a message of 96 MB then took 70 MB more, not 20).
    await import('../main.ts')
    const program = makeBaseProgram(io)
    addServeCommands(program, io)
    return program
  }
  const { makeProgram } = await import('./program.ts')
  return makeProgram(io)
}

/** Runs one command and gives its exit code. Never rejects. */
export async function main(argv: readonly string[], io: Io = processIo()): Promise<number> {
  try {
    const program = await programFor(argv, io)
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode.ok
  } catch (error) {
    if (error instanceof CommandError) {
      io.err(`posthorn: ${error.message}\n`)
      return error.code
    }
    // Help and version end this way too, with code 0 and their text printed.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage
    io.err(`posthorn: ${error instanceof Error ? (error.stack ?? errorText(error)) : errorText(error)}\n`)
    io.err('This is a defect of Posthorn. Please report it with what you did.\n')
    return exitCode.internal
  }
}

function processIo(): Io {
  // `queue list | head`: a reader that has seen enough is no failure, and nobody is left to print for.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(exitCode.ok)
  })
  return {
    input: process.stdin,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    interactive: process.stderr.isTTY === true,
  }
}
