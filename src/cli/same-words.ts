// The operations that had no command under their own words: what the pages and the HTTP API can do the command line can do, by the same
// name. Several have an older, shorter command beside them (`fsck`, `metrics`, `index`, `account disable`), which stays.
import { Argument, type Command, Option } from 'commander'
import type { Explained } from '../config/layers.ts'
import type { Series } from '../events/recorder.ts'
import { administer, type AdminCall } from './admin-client.ts'
import { admin } from './admin-command.ts'
import type { ConfigOptions } from './configuration.ts'
import { CommandError, exitCode, type Io, print, progressBar, table } from './io.ts'

interface Options extends ConfigOptions {
  readonly json?: boolean
  readonly by?: string
  readonly rebuild?: boolean
}

/** Words of operations that are a command of another shape, for tests and for whoever looks for them. */
export const otherWords: Readonly<Record<string, string>> = {
  'collect.now': 'collect',
  'mail.import': 'import',
  'mail.mailboxes': 'export',
  'mail.octets': 'export',
  'mail.page': 'export',
  'mail.submit': 'sendmail',
  'search.index': 'index',
  'search.list': 'index',
  'server.metrics': 'metrics',
  'server.watch-log': 'server log',
  'store.audit': 'fsck',
  'terminal.attach': 'attach',
}

/** Adds `store collect`, `queue totals`, `account state`, and to `server` what it lacks. */
export function addSameWords(program: Command, io: Io): void {
  addToServer(groupOf(program, 'server'), io)
  const store = program.command('store').description('What keeps the mail.')
  admin(store, 'collect', 'Remove at once what nothing names any more; a server does it by itself.').action(
    async (options: Options) =>
      printAnswer(io, options, { operation: 'store.collect', onProgress: progressBar(io, 'collecting') }),
  )
  admin(groupOf(program, 'queue'), 'totals', 'Show how many messages and recipients there are.').action(
    async (options: Options) => printAnswer(io, options, { operation: 'queue.totals' }),
  )
  admin(groupOf(program, 'account'), 'state <address>', 'Say whether an account has mail and log-in.')
    .addArgument(new Argument('<state>').choices(['active', 'disabled']))
    .action(async (address: string, state: string, options: Options) => {
      await administer(options, { operation: 'account.state', parameters: { address, state } })
      print(io, options, { address, state }, () => `${address} is ${state}.\n`)
    })
}

function addToServer(server: Command, io: Io): void {
  admin(server, 'config [prefix]', 'Print the settings in force and where each came from.').action(
    async (prefix: string | undefined, options: Options) => {
      const parameters = { prefix: prefix ?? '' }
      const settings = await administer<Explained[]>(options, {
        ...{ operation: 'server.config', parameters, needs: 'server' },
      })
      print(io, options, settings, (all) =>
        table(
          ['setting', 'value', 'from'],
          all.map(({ key, value, origin }) => [key, JSON.stringify(value), origin]),
          `No setting starts with "${prefix ?? ''}".`,
        ),
      )
    },
  )
  admin(server, 'series', 'Print what came, went and was refused, by second or by minute.')
    .addOption(
      new Option('--by <step>', 'by second for ten minutes, by minute for a day')
        .choices(['second', 'minute'])
        .default('minute'),
    )
    .action(async (options: Options) => {
      const { by } = options
      const series = await administer<Series>(options, {
        ...{ operation: 'server.series', parameters: { by }, needs: 'server' },
      })
      print(io, options, series, seriesTable)
    })
}

/** Steps in which something was. */
function seriesTable({ step, end, values }: Series): string {
  const names = Object.entries(values)
  const length = names[0]?.[1].length ?? 0
  const rows = Array.from({ length }, (_, at) => {
    const counts = names.map(([, column]) => column[at] ?? 0)
    const time = new Date(end - (length - at) * step).toISOString()
    return { time, counts }
  }).filter(({ counts }) => counts.some((count) => count > 0))
  return table(
    ['from', ...names.map(([name]) => name)],
    rows.map(({ time, counts }) => [time, ...counts.map(String)]),
    'Nothing has happened.',
  )
}

/** Of an operation whose answer is a few numbers. */
async function printAnswer(io: Io, options: Options, call: AdminCall): Promise<void> {
  const answer = await administer<Readonly<Record<string, number | string>>>(options, call)
  print(io, options, answer, (all) =>
    Object.entries(all)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join(''),
  )
}

function groupOf(program: Command, name: string): Command {
  const found = program.commands.find((one) => one.name() === name)
  if (found === undefined) throw new CommandError(exitCode.usage, `There is no command ${name}.`)
  return found
}
