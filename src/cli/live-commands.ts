// `posthorn server` and `posthorn throttle`: how a running server is doing, what happened lately, who is connected and who is shut out.
import { Argument, type Command, Option } from 'commander'
import type { LiveConnection } from '../control/server/live-operations.ts'
import type { ShownRecord, ShownTrace } from '../control/server/message-trace.ts'
import type { ThrottleCount } from '../directory/throttle.ts'
import { administer } from './admin-client.ts'
import { admin } from './admin-command.ts'
import type { ConfigOptions } from './configuration.ts'
import { CommandError, exitCode, type Io, print, table } from './io.ts'

interface Options extends ConfigOptions {
  readonly json?: boolean
}

interface LogOptions extends Options {
  readonly level?: string
  readonly name?: string
  readonly text?: string
  readonly limit?: string
  readonly follow?: boolean
}

interface Overview {
  readonly version: string
  readonly hostname: string
  readonly started: string
  readonly accounts: number
  readonly domains: number
  readonly queue: { readonly waiting: number; readonly active: number; readonly held: number }
  readonly connections: Readonly<Record<string, number>>
  readonly refusals: readonly { readonly what: string; readonly reason: string; readonly count: number }[]
}

/** Adds `server` and `throttle`. */
export function addLiveCommands(program: Command, io: Io): void {
  const server = program
    .command('server')
    .description('The running server: how it does, what happened lately.')
  admin(server, 'overview', 'Show how it does now.').action(async (options: Options) => {
    const overview = await administer<Overview>(options, { operation: 'server.overview', needs: 'server' })
    print(io, options, overview, overviewText)
  })
  admin(server, 'sessions', 'List the connections that are open.').action(async (options: Options) => {
    const all = await administer<LiveConnection[]>(options, { operation: 'server.sessions', needs: 'server' })
    print(io, options, all, () =>
      table(
        ['id', 'service', 'from', 'account', 'since'],
        all.map(({ id, service, remoteAddress, account, since }) => [
          ...[String(id), service, remoteAddress],
          ...[account ?? '', since],
        ]),
        'Nobody is connected.',
      ),
    )
  })
  admin(server, 'end-session <id>', 'End a connection where no reply is cut.').action(
    async (id: string, options: Options) => {
      const parameters = { id: numberOf(id) }
      await administer(options, { operation: 'server.end-session', parameters, needs: 'server' })
      print(io, options, parameters, () => `Session ${id} ends.\n`)
    },
  )
  addLog(server, io)
  admin(
    server,
    'trace <text>',
    'Show what became of messages: by id, address, or whatever the log says of them.',
  ).action(async (text: string, options: Options) => {
    const traces = await administer<ShownTrace[]>(options, {
      operation: 'server.trace',
      parameters: { text },
      needs: 'server',
    })
    print(io, options, traces, () => traceText(traces))
  })
  addThrottle(program, io)
}

function addLog(server: Command, io: Io): void {
  admin(server, 'log', 'Show the last events.')
    .addOption(
      new Option(
        '--level <level>',
        'only events as grave as this or graver; default: all that is kept',
      ).choices(['info', 'warn', 'error']),
    )
    .option('--name <beginning>', 'only events whose name begins so, for example "smtp."')
    .option('--text <text>', 'only events in which that occurs')
    .option('--limit <number>', 'at most so many', '50')
    .option('--follow', 'show events as they happen, until Ctrl-C')
    .action(async (options: LogOptions) => {
      const { level, name, text } = options
      const filter = { ...(level && { level }), ...(name && { name }), ...(text && { text }) }
      if (options.follow === true) {
        const onEvent = (event: unknown): void => {
          // The server's own words.
          const record = event as ShownRecord
          io.out(options.json ? `${JSON.stringify(record)}\n` : recordLine(record))
        }
        await administer(options, {
          operation: 'server.watch-log',
          parameters: filter,
          needs: 'server',
          onEvent,
        })
        return
      }
      const parameters = { ...filter, limit: numberOf(options.limit ?? '50') }
      const records = await administer<ShownRecord[]>(options, {
        operation: 'server.log',
        parameters,
        needs: 'server',
      })
      print(io, options, records, () => records.toReversed().map(recordLine).join(''))
    })
}

function addThrottle(program: Command, io: Io): void {
  const throttle = program
    .command('throttle')
    .description('Wrong log-ins, counted, and who is shut out for them.')
  admin(throttle, 'list', 'List the counts, fullest first.').action(async (options: Options) => {
    const counts = await administer<ThrottleCount[]>(options, { operation: 'throttle.list', needs: 'server' })
    print(io, options, counts, () =>
      table(
        ['kind', 'who', 'wrong', 'of', ''],
        counts.map(({ kind, key, count, limit, isFull }) => [
          ...[kind, key, count.toFixed(1), String(limit)],
          isFull ? 'shut out' : '',
        ]),
        'Nobody has guessed wrongly lately.',
      ),
    )
  })
  admin(throttle, 'lift', 'Forget a count, as `throttle list` shows it.')
    .addArgument(new Argument('<kind>').choices(['network', 'name', 'known-network']))
    .argument('<who>')
    .action(async (kind: string, key: string, options: Options) => {
      const parameters = { kind, key }
      await administer(options, { operation: 'throttle.lift', parameters, needs: 'server' })
      print(io, options, parameters, () => `${key} may try again.\n`)
    })
}

function overviewText(overview: Overview): string {
  const { version, hostname, started, accounts, domains, queue, connections, refusals } = overview
  const open = Object.entries(connections).map(([service, count]) => `${service} ${count}`)
  const refused = refusals.slice(0, 10).map(({ what, reason, count }) => `  ${count}  ${what}  ${reason}\n`)
  return [
    `${hostname}: posthorn ${version}, since ${started}\n`,
    `${domains} domains, ${accounts} accounts\n`,
    `queue: ${queue.waiting} waiting, ${queue.active} active, ${queue.held} held\n`,
    `connections: ${open.join(', ')}\n`,
    `refused in the last hour: ${refused.length === 0 ? 'nothing' : ''}\n`,
    ...refused,
  ].join('')
}

function recordLine({ at, level, name, fields }: ShownRecord): string {
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  return `${[at, level.padEnd(5), name, ...rest].join(' ')}\n`
}

function traceText(traces: readonly ShownTrace[]): string {
  if (traces.length === 0) return 'Nothing is remembered of that.\n'
  return traces
    .map(({ message, records, queue }) => {
      const rows = (queue?.recipients ?? []).map(
        ({ address, state, outcome, reason }) =>
          `  ${address}: ${outcome ?? state}${reason && `, ${reason}`}\n`,
      )
      return [`${message ?? 'refused'}\n`, ...records.map((one) => `  ${recordLine(one)}`), ...rows].join('')
    })
    .join('\n')
}

function numberOf(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new CommandError(exitCode.usage, `"${text}" is no number; write "50".`)
}
