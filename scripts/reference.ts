// The two references that the program writes about itself: every setting, and every command.
import { Readable } from 'node:stream'
import type { Command } from 'commander'
import { makeProgram } from '../src/cli/program.ts'
import { leavesOf } from '../src/cli/command-notes.ts'
import { exitMeanings } from '../src/cli/io.ts'
import { type CatalogueEntry, settingCatalogue } from '../src/config/catalogue.ts'
import { explainConfig } from '../src/config/layers.ts'

/** docs/generated/config.md */
export function configReference(): string {
  const given = new Map(explainConfig([]).map(({ key, value }) => [key, value]))
  const shown = ({ key, default: absent }: CatalogueEntry): string => {
    if (key === 'listeners') return 'those of the profile'
    if (absent.type === 'needed') return 'must be given'
    const value = given.get(key) ?? (absent.type === 'value' ? absent.value : undefined)
    return value === undefined ? 'absent' : `\`${JSON.stringify(value)}\``
  }
  const rows = settingCatalogue().map(
    (entry) => `| \`${entry.key}\` | ${shown(entry)} | ${cell(entry.description)} |`,
  )
  return [
    '# Settings',
    '',
    'Written by `npm run check -- docs --update` from the schema in `src/config`. Durations are shown in milliseconds and sizes in',
    'octets; a file may say `"5m"` or `"50 MB"`. Defaults are those of the `server` profile; `posthorn config explain --profile dev`',
    'shows another, and `posthorn config explain --config FILE` shows what a file makes of them and where each value came from. `[]` stands',
    'for each entry of a list: `listeners[].port` is the `port` of a `[[listeners]]` in TOML.',
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
  const groups = program.commands.map((group) => ({ group, leaves: leavesOf(group) }))
  return [
    '# Commands',
    '',
    'Written by `npm run check -- docs --update` from the help of each command; a test runs the examples.',
    '',
    ...groups.map(
      ({ group }) => `- [${group.name()}](#${group.name()}): ${firstSentence(group.description())}`,
    ),
    '',
    'Commands about a server and its mail work beside a running server, over a socket in its data folder, and without one on the folder itself.',
    'Which folder: that of `--data`, else the one that the configuration names; the configuration is the file of `--config`, else `posthorn.config.ts` or',
    '`posthorn.toml` in the current folder, else the defaults.',
    '',
    'With `--json` a command prints one JSON value (those that run on print one a line), and nothing else, on standard output. Fields may be added; those that are told below stay as',
    'they are. What went wrong is one sentence on standard error, never JSON, and the exit code:',
    '',
    '| code | meaning |',
    '|---|---|',
    ...Object.entries(exitMeanings).map(([code, meaning]) => `| ${code} | ${meaning} |`),
    '',
    '`posthorn sendmail` has those of sysexits.h instead.',
    '',
    ...groups.flatMap(({ group, leaves }) => [
      `## ${group.name()}`,
      '',
      ...leaves.flatMap((command) => ['```', helpOf(command), '```', '']),
    ]),
  ].join('\n')
}

function firstSentence(text: string): string {
  return `${text.split(/[.:] /)[0]?.replace(/\.$/, '') ?? ''}.`
}

/** With examples, which commander keeps for what it prints. */
function helpOf(command: Command): string {
  let text = ''
  command.configureHelp({ helpWidth: 110 }).configureOutput({ writeOut: (more) => (text += more) })
  command.outputHelp()
  return text.trimEnd()
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
