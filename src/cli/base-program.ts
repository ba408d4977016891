// The command line before it has commands: its name, its version, and how it speaks.
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import type { Io } from './io.ts'

/** The version in package.json. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : ''
}

/** To add commands to. */
export function makeBaseProgram(io: Io): Command {
  return (
    new Command('posthorn')
      .description('A whole mail system in one program.')
      .version(`posthorn ${version()} (node ${process.versions.node})`, '-V, --version', 'print the version')
      .configureOutput({ writeOut: io.out, writeErr: io.err })
      .exitOverride()
      // For `sendmail`, whose flags are its own.
      .enablePositionalOptions()
      .showHelpAfterError('Run with --help to see what there is.')
  )
}
