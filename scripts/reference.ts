// The two references that the program writes about itself: every setting, and every command.
import { Readable } from 'node:stream'
import type { Command } from 'commander'
import { makeProgram } from '../src/cli/program.ts'
import { exitCode } from '../src/cli/io.ts'
import { explainConfig } from '../src/config/layers.ts'

/** docs/generated/config.md */
export function configReference(): string {
  const rows = explainConfig([])
    .filter(({ key }) => key !== 'listeners')
    .map(
      ({ key, value, description }) => `| \`${key}\` | \`${JSON.stringify(value)}\` | ${cell(description)} |`,
    )
  return [
    '# Settings',
    '',
    'Written by `npm run check -- docs --update` from the schema in `src/config`. Durations are shown in milliseconds and sizes in',
    'octets; a file may say `"5m"` or `"50 MB"`. Defaults are those of the `server` profile; `posthorn config explain --profile dev`',
    'shows another, and `posthorn config explain --config FILE` shows what a file makes of them and where each value came from.',
    '',
    '| setting | default | meaning |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

/** docs/generated/cli.md */
export function commandReference(): string {
  const program = makeProgram({ input: Readable.from([]), out: () => {}, err: () => {}, interactive: false })
  const codes = Object.entries(exitCode).map(([name, code]) => `${code} ${name}`)
  return [
    '# Commands',
    '',
    'Written by `npm run check -- docs --update` from the help of each command.',
    '',
    `Exit codes: ${codes.join(', ')}.`,
    '',
    ...leaves(program).flatMap((command) => ['```', helpOf(command), '```', '']),
  ].join('\n')
}

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves)
}

function helpOf(command: Command): string {
  return command.configureHelp({ helpWidth: 110 }).helpInformation().trimEnd()
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
