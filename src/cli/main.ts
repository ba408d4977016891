// The command line. Each command's help is its documentation; docs/generated/cli.md is made from it.
//
// Errors are one sentence that says what to do next, on standard error, and an exit code (io.ts). A stack is printed only for
// what should never happen.
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { errorText } from '../events/error-text.ts'
import {
  addAccountCommands,
  addAliasCommands,
  addDomainCommands,
  addServerCommands,
} from './admin-commands.ts'
import { addAttachCommand } from './attach-command.ts'
import { addCollectCommand } from './collect-command.ts'
import { addConfigCommands } from './config-command.ts'
import { CommandError, exitCode, type Io } from './io.ts'
import { addMailCommands } from './mail-commands.ts'
import { addQueueCommands } from './queue-commands.ts'
import { addSendmailCommand } from './sendmail-command.ts'
import { addServeCommands } from './serve-commands.ts'

/** The version in package.json. */
export function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : ''
}

/** The whole command line, over the given streams. */
export function makeProgram(io: Io): Command {
  const program = new Command('posthorn')
  program
    .description('A whole mail system in one program.')
    .version(`posthorn ${version()} (node ${process.versions.node})`, '-V, --version', 'print the version')
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .exitOverride()
    // For `sendmail`, whose flags are its own.
    .enablePositionalOptions()
    .showHelpAfterError('Run with --help to see what there is.')
  addServeCommands(program, io)
  addDomainCommands(program, io)
  addAccountCommands(program, io)
  addAliasCommands(program, io)
  addMailCommands(program, io)
  addAttachCommand(program, io)
  addSendmailCommand(program, io)
  addQueueCommands(program, io)
  addCollectCommand(program, io)
  addServerCommands(program, io)
  addConfigCommands(program, io)
  return program
}

/** Runs one command and gives its exit code. Never rejects. */
export async function main(argv: readonly string[], io: Io = processIo()): Promise<number> {
  try {
    await makeProgram(io).parseAsync([...argv], { from: 'user' })
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
