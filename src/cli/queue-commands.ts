// `posthorn queue` and `posthorn suppression`: what waits, why, and what is to be done about it.
import { type Command, Option } from 'commander'
import { parseDuration } from '../base/duration.ts'
import { displayAddress } from '../mail/address.ts'
import type { ShownAttempt, ShownMessage, ShownRecipient, ShownSuppression } from '../queue/admin.ts'
import { administer } from './admin-client.ts'
import { admin } from './admin-command.ts'
import type { ConfigOptions } from './configuration.ts'
import { CommandError, exitCode, humanSize, type Io, print, table } from './io.ts'

interface Options extends ConfigOptions {
  readonly json?: boolean
}

interface FilterOptions extends Options {
  readonly domain?: string
  readonly sender?: string
  readonly recipient?: string
  readonly state?: string
  readonly all?: boolean
  readonly finished?: boolean
  readonly reason?: string
  readonly to?: string
  readonly usual?: boolean
  readonly discard?: boolean
}

/** Adds `queue` and `suppression`. */
export function addQueueCommands(program: Command, io: Io): void {
  const queue = program.command('queue').description('Mail that waits for other hosts.')
  withFilter(admin(queue, 'list', 'List the messages that wait, with the reason for each recipient.'))
    .option('--finished', 'also those that are over; they are remembered for queue.keepHistory (7 days)')
    .action((options: FilterOptions) => showQueue(io, options))
  admin(
    queue,
    'show <message>',
    'Show one message with everything that was tried: hosts, TLS, replies verbatim. The message is named by the id that `queue list`, the log and the reply 250 say.',
  ).action(async (message: string, options: Options) => {
    const shown = await administer<ShownMessage>(options, {
      operation: 'queue.show',
      parameters: { message },
    })
    print(io, options, shown, wholeMessage)
  })
  addOrders(queue, io)
  admin(queue, 'qshape', 'Show how much waits for each domain, in columns by its age in minutes.')
    .alias('shape')
    .action((options: Options) => showShape(io, options))
  addSuppression(program, io)
}

interface Order {
  readonly name: string
  readonly operation: string
  readonly description: string
  readonly done: string
  readonly parameters?: (options: FilterOptions) => object
}

const orders: readonly Order[] = [
  {
    name: 'hold',
    operation: 'queue.hold',
    description: 'Keep messages from being tried, until released.',
    done: 'held',
    parameters: ({ reason }) => (reason === undefined ? {} : { reason }),
  },
  {
    name: 'release',
    operation: 'queue.release',
    description: 'Let held messages go: they are tried at once.',
    done: 'released',
  },
  {
    name: 'retry',
    operation: 'queue.retry',
    description: 'Try waiting messages now rather than at the time of their next attempt.',
    done: 'due now',
  },
  {
    name: 'fail',
    operation: 'queue.fail',
    description: 'Give messages up with a report to their sender (or, with --discard, without one).',
    done: 'given up',
    parameters: ({ reason }) => (reason === undefined ? {} : { reason }),
  },
  {
    name: 'discard',
    operation: 'queue.discard',
    description: 'Give messages up and tell their sender nothing.',
    done: 'discarded',
  },
  {
    name: 'reroute',
    operation: 'queue.reroute',
    description: 'Send messages by another route of the configuration, or by the usual one again.',
    done: 'rerouted',
    parameters: routeOf,
  },
]

function addOrders(queue: Command, io: Io): void {
  for (const order of orders) {
    const added = withFilter(admin(queue, `${order.name} [message]`, order.description)).option(
      '--all',
      'all messages, or all that the other options let through',
    )
    if (order.name === 'hold' || order.name === 'fail') {
      added.option(
        '--reason <text>',
        'why: shown by `queue show`, and told in the report to the sender; default: that an operator did it',
      )
    }
    if (order.name === 'fail') added.option('--discard', 'tell the sender nothing')
    if (order.name === 'reroute') {
      added
        .option('--to <route>', 'the route: its `name` in relay.routes of the configuration')
        .option('--usual', 'back to the route that the configuration chooses')
    }
    added.action(async (message: string | undefined, options: FilterOptions) => {
      const discard = options.discard === true
      const result = await administer<{ changed: number }>(options, {
        operation: discard ? 'queue.discard' : order.operation,
        parameters: { filter: chosen(message, options), ...(discard ? {} : order.parameters?.(options)) },
      })
      print(
        io,
        options,
        result,
        ({ changed }) => `${recipients(changed)} ${discard ? 'discarded' : order.done}.\n`,
      )
    })
  }
}

function withFilter(added: Command): Command {
  return added
    .option('--domain <name>', 'only recipients in this domain')
    .option(
      '--sender <name>',
      'only mail of this sender: the address of an account; for other mail the domain it is from',
    )
    .option('--recipient <address>', 'only this recipient')
    .addOption(
      new Option('--state <state>', 'only recipients in this state; active: being tried now').choices([
        'waiting',
        'active',
        'held',
      ]),
    )
}

/** What an order is about; everything only where that is said. */
function chosen(message: string | undefined, options: FilterOptions): object {
  const filter = { ...(message === undefined ? {} : { message }), ...filterOf(options) }
  if (Object.keys(filter).length === 0 && options.all !== true) {
    throw new CommandError(
      exitCode.usage,
      'Say which: a message, --domain, --sender, --recipient or --state; --all is for every one.',
    )
  }
  return filter
}

function filterOf({ domain, sender, recipient, state }: FilterOptions): object {
  return Object.fromEntries(
    Object.entries({ domain, sender, recipient, state }).filter(([, value]) => value !== undefined),
  )
}

function routeOf({ to, usual }: FilterOptions): object {
  if ((to === undefined) === (usual !== true)) {
    throw new CommandError(exitCode.usage, 'Give --to ROUTE, or --usual for what the configuration says.')
  }
  return { route: to ?? null }
}

function recipients(count: number): string {
  return `${count} recipient${count === 1 ? '' : 's'}`
}

const pageLimit = 1000

/** The list, as `queue list` and mailq(1) print it. */
export async function showQueue(io: Io, options: FilterOptions): Promise<void> {
  const messages: ShownMessage[] = []
  for (let after: number | undefined; ;) {
    const parameters = {
      filter: filterOf(options),
      finished: options.finished === true ? 'with' : 'without',
      limit: pageLimit,
      ...(after === undefined ? {} : { after }),
    }
    const page = await administer<ShownMessage[]>(options, { operation: 'queue.list', parameters })
    after = page.at(-1)?.id
    if (options.json) messages.push(...page)
    else io.out(page.map(briefMessage).join(''))
    if (after === undefined || page.length < pageLimit) {
      if (options.json) io.out(`${JSON.stringify(messages, null, 2)}\n`)
      else await printTotals(io, options)
      return
    }
  }
}

async function printTotals(io: Io, options: Options): Promise<void> {
  type Totals = { messages: number; waiting: number; active: number; held: number; reports: number }
  const totals = await administer<Totals>(options, { operation: 'queue.totals' })
  if (totals.messages === 0) io.out('The queue is empty.\n')
  else {
    const { messages, waiting, active, held, reports } = totals
    const due = reports === 0 ? '' : `, ${reports} reports due`
    io.out(`${messages} messages: ${waiting} waiting, ${active} under way, ${held} held${due}.\n`)
  }
}

/** A message of the list: for each recipient how it stands, and why. */
export function briefMessage(message: ShownMessage): string {
  const from = message.from === '' ? '<>' : displayAddress(message.from)
  const head = `${message.name}  ${humanSize(message.bytes)}  ${message.arrived}  ${from}\n`
  const rows = message.recipients.map((one) => {
    // What is over for good has no reason to wait: there the last words are of interest.
    const failed = one.outcome === 'failed' || one.outcome === 'expired'
    return `  ${briefRecipient(failed ? { ...one, reason: one.last?.reply ?? '' } : one)}\n`
  })
  return `${head}${rows.join('')}\n`
}

function briefRecipient(one: ShownRecipient): string {
  const next = one.nextAttempt === null ? '' : `, next ${one.nextAttempt}`
  const why = one.reason === '' ? '' : `\n    ${one.reason.replaceAll('\n', '\n    ')}`
  return `${displayAddress(one.address)}  ${one.outcome ?? one.state}, ${one.attempts} attempts${next}${why}`
}

function wholeMessage(message: ShownMessage): string {
  const facts: [string, string][] = [
    ['message', `${message.name} (${message.id})`],
    ['from', message.from === '' ? '<>' : displayAddress(message.from)],
    ['origin', `${message.origin}, counted to ${message.sender}`],
    ['size', humanSize(message.bytes)],
    ['arrived', message.arrived],
    [message.finished === null ? 'expires' : 'finished', message.finished ?? message.expires],
    ['Message-ID', message.messageId ?? 'none'],
  ]
  const head = facts.map(([name, value]) => `${name.padEnd(11)}${value}\n`).join('')
  return head + message.recipients.map((one) => `\n${briefRecipient(one)}\n${historyOf(one)}`).join('')
}

function historyOf({ history = [] }: ShownRecipient): string {
  return history.map((attempt) => `  ${attemptLine(attempt)}\n`).join('')
}

function attemptLine(attempt: ShownAttempt): string {
  const where = [attempt.host, attempt.address === null ? null : `[${attempt.address}]`]
  const security = [attempt.tls ?? 'in the clear', attempt.verification, attempt.policy]
  const how = attempt.address === null ? [] : security
  const said = attempt.reply.replaceAll('\n', '\n    ')
  const facts = [attempt.at, attempt.outcome, `at ${attempt.stage}`, ...where, ...how]
  return `${facts.filter((fact) => fact !== null).join('  ')}\n    ${said}`
}

async function showShape(io: Io, options: Options): Promise<void> {
  type Shape = { ages: number[]; domains: { domain: string; total: number; counts: number[] }[] }
  const shape = await administer<Shape>(options, { operation: 'queue.shape' })
  print(io, options, shape, ({ ages, domains }) =>
    table(
      ['domain', 'total', ...ages.map(String), `${ages.at(-1) ?? 0}+`],
      domains.map(({ domain, total, counts }) => [domain, String(total), ...counts.map(String)]),
      'The queue is empty.',
    ),
  )
}

function addSuppression(program: Command, io: Io): void {
  const suppression = program
    .command('suppression')
    .description(
      'The suppression list: addresses that nothing is sent to any more; mail to them fails at once, with a report.',
    )
  admin(suppression, 'list', 'List the addresses, with why and until when.').action(
    async (options: Options) => {
      const list = await administer<ShownSuppression[]>(options, { operation: 'suppression.list' })
      print(io, options, list, () =>
        table(
          ['address', 'since', 'until', 'reason'],
          list.map(({ address, since, until, reason }) => [address, since, until ?? 'for ever', reason]),
          'Nothing is suppressed.',
        ),
      )
    },
  )
  admin(suppression, 'add <address>', 'Send nothing more to an address: mail to it fails at once.')
    .option('--reason <text>', 'why; default: that an operator did it')
    .option('--for <time>', 'for how long, for example "30d"; default: for ever')
    .action(async (address: string, options: Options & { reason?: string; for?: string }) => {
      const length = options.for === undefined ? null : parseDuration(options.for)
      if (length === undefined)
        throw new CommandError(exitCode.usage, `"${options.for}" is no time; write "30d".`)
      const parameters = {
        address,
        ...(options.reason === undefined ? {} : { reason: options.reason }),
        until: length === null ? null : Date.now() + length,
      }
      await administer(options, { operation: 'suppression.add', parameters })
      print(io, options, { address }, () => `Nothing more is sent to ${address}.\n`)
    })
  admin(suppression, 'remove <address>', 'Send to an address again.').action(
    async (address: string, options: Options) => {
      await administer(options, { operation: 'suppression.remove', parameters: { address } })
      print(io, options, { address }, () => `${address} gets mail again.\n`)
    },
  )
}
