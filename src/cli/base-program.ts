// The command line before it has commands: its name, its version, and how it speaks.
import { Command } from 'commander'
import { programVersion } from '../wiring/program-version.ts'
import type { Io } from './io.ts'

/** To add commands to. */
export function makeBaseProgram(io: Io): Command {
  return (
    new Command('posthorn')
      .description('A whole mail system in one program.')
      .version(
        `posthorn ${programVersion} (node ${process.versions.node})`,
        '-V, --version',
        'print the version',
      )
      .configureOutput({ writeOut: io.out, writeErr: io.err })
      .exitOverride()
      // For `sendmail`, whose flags are its own.
      .enablePositionalOptions()
      .showHelpAfterError('Run with --help to see what there is.')
  )
}
