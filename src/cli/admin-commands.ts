// `posthorn domain`, `account`, `alias`, `fsck` and `metrics`: who has mail, and whether all is well.
import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { parseSize } from '../base/size.ts'
import type { ShownAccount } from '../control/server/operations.ts'
import { displayAddress } from '../mail/address.ts'
import { administer } from './admin-client.ts'
import { admin } from './admin-command.ts'
import type { ConfigOptions } from './configuration.ts'
import { addLoginCommands } from './login-commands.ts'
import { CommandError, exitCode, humanSize, type Io, print, progressBar, readInput, table } from './io.ts'
import { askPassword } from './password.ts'

interface Options extends ConfigOptions {
  readonly json?: boolean
}

interface PasswordOptions extends Options {
  readonly passwordStdin?: boolean
  readonly quota?: string
  readonly maxMessages?: string
  readonly role?: string
}

/** Adds `domain add|list|remove`. */
export function addDomainCommands(program: Command, io: Io): void {
  const domain = program.command('domain').description('Domains that this server takes mail for.')
  admin(domain, 'add <name>', 'Take mail for a domain.').action(async (name: string, options: Options) => {
    const result = await administer<{ name: string; display: string }>(options, {
      operation: 'domain.add',
      parameters: { name },
    })
    print(
      io,
      options,
      result,
      () => `Added ${result.display}. Next: posthorn account add ann@${result.display} --password-stdin\n`,
    )
  })
  admin(domain, 'list', 'List the domains.').action(async (options: Options) => {
    type Shown = { display: string; accounts: number; aliases: number; createdAt: number }
    const domains = await administer<Shown[]>(options, { operation: 'domain.list' })
    print(io, options, domains, () =>
      table(
        ['domain', 'accounts', 'aliases'],
        domains.map((one) => [one.display, String(one.accounts), String(one.aliases)]),
        'No domains yet. Add one: posthorn domain add example.org',
      ),
    )
  })
  admin(domain, 'remove <name>', 'Take no more mail for a domain without addresses.').action(
    async (name: string, options: Options) => {
      await administer(options, { operation: 'domain.remove', parameters: { name } })
      print(io, options, { name }, () => `Removed ${name}.\n`)
    },
  )
}

/** Adds `account add|list|password|quota|set|disable|enable|remove|import`, and what protects accounts. */
export function addAccountCommands(program: Command, io: Io): void {
  const account = program.command('account').description('People who have mail here.')
  admin(
    account,
    'add <address>',
    'Make an account; its password is asked for, or is the first line of standard input.',
  )
    .option('--password-stdin', 'read the password from standard input; default: ask for it on the terminal')
    .option('--quota <size>', 'room for mail, for example "2 GB"; default: directory.quotaBytes')
    .option('--max-messages <number>', 'messages it may keep; default: directory.quotaMessages')
    .addOption(roleOption().default('user'))
    .action(async (address: string, options: PasswordOptions) => {
      const password = await passwordFrom(io, options)
      const { role } = options
      const parameters = { address, password, ...quotaOf(options), ...(role && { role }) }
      const made = await administer<ShownAccount>(options, { operation: 'account.add', parameters })
      print(io, options, made, () => `Added ${made.display}.\n`)
    })
  admin(account, 'list', 'List the accounts.').action(async (options: Options) => {
    const accounts = await administer<ShownAccount[]>(options, { operation: 'account.list' })
    print(io, options, accounts, () => accountTable(accounts))
  })
  admin(
    account,
    'password <address>',
    'Set a new password: it is asked for, or is the first line of standard input.',
  )
    .option('--password-stdin', 'read the password from standard input; default: ask for it on the terminal')
    .action(async (address: string, options: PasswordOptions) => {
      const parameters = { address, password: await passwordFrom(io, options) }
      await administer(options, { operation: 'account.password', parameters })
      print(io, options, { address }, () => `The password of ${address} is changed.\n`)
    })
  addQuota(account, io)
  addSet(account, io)
  for (const [name, state] of [
    ['disable', 'disabled'],
    ['enable', 'active'],
  ] as const) {
    const what =
      name === 'disable' ? 'No mail and no log-in any more; what is there stays.' : 'Mail and log-in again.'
    admin(account, `${name} <address>`, what).action(async (address: string, options: Options) => {
      await administer(options, { operation: 'account.state', parameters: { address, state } })
      print(io, options, { address, state }, () => `${address} is ${state}.\n`)
    })
  }
  admin(account, 'remove <address>', 'Remove an account with all its mail.').action(
    async (address: string, options: Options) => {
      await administer(options, { operation: 'account.remove', parameters: { address } })
      print(io, options, { address }, () => `Removed ${address} and its mail.\n`)
    },
  )
  addImport(account, io)
  addLoginCommands(account, io)
}

function addQuota(account: Command, io: Io): void {
  admin(account, 'quota <address>', 'Set how much an account may keep; what is left out is unlimited.')
    .option('--quota <size>', 'room for mail, for example "2 GB"; default: unlimited')
    .option('--max-messages <number>', 'messages it may keep; default: unlimited')
    .action(async (address: string, options: PasswordOptions) => {
      const { quota = { bytes: null, messages: null } } = quotaOf(options)
      await administer(options, { operation: 'account.quota', parameters: { address, quota } })
      print(io, options, { address, quota }, () => `The quota of ${address} is changed.\n`)
    })
}

interface SetOptions extends PasswordOptions {
  readonly quotaMailboxes?: string
  readonly quotaAnnotations?: string
  readonly hideCapability?: readonly string[]
  readonly showCapability?: readonly string[]
}

function addSet(account: Command, io: Io): void {
  const another = (name: string, before: readonly string[] = []): string[] => [...before, name]
  admin(
    account,
    'set <address>',
    'Change what is named and leave the rest: by default an option changes nothing. "unlimited" takes a limit away.',
  )
    .option('--quota <size>', 'room for mail, for example "2 GB"')
    .option('--max-messages <number>', 'messages it may keep')
    .addOption(roleOption())
    .option('--quota-mailboxes <number>', 'mailboxes it may have')
    .option('--quota-annotations <size>', 'room for the annotations of its mailboxes')
    .option(
      '--hide-capability <name>',
      'an IMAP capability that its clients break on and are not shown; may be repeated',
      another,
    )
    .option('--show-capability <name>', 'one that they are shown again; may be repeated', another)
    .action(async (address: string, options: SetOptions) => {
      const { hideCapability: hide, showCapability: show, role } = options
      const quota = {
        ...limit('bytes', options.quota, octetsOf),
        ...limit('messages', options.maxMessages, numberOf),
        ...limit('mailboxes', options.quotaMailboxes, numberOf),
        ...limit('annotations', options.quotaAnnotations, octetsOf),
      }
      if (Object.keys(quota).length === 0 && !hide && !show && !role) {
        throw new CommandError(
          exitCode.usage,
          'Say what to change: --quota, --max-messages, --role, --quota-mailboxes, --quota-annotations, --hide-capability or --show-capability.',
        )
      }
      const parameters = {
        ...{ address, quota },
        ...(hide && { hide }),
        ...(show && { show }),
        ...(role && { role }),
      }
      const shown = await administer<ShownAccount>(options, { operation: 'account.set', parameters })
      print(io, options, shown, () => `${shown.display} is changed.${hiddenIn(shown)}\n`)
    })
}

function hiddenIn({ hiddenCapabilities: hidden }: ShownAccount): string {
  return hidden.length === 0 ? '' : ` Its clients are not shown ${hidden.join(', ')}.`
}

function limit(
  name: 'bytes' | 'messages' | 'mailboxes' | 'annotations',
  text: string | undefined,
  parse: (text: string) => number,
): Record<string, number | null> {
  if (text === undefined) return {}
  return { [name]: text === 'unlimited' ? null : parse(text) }
}

function octetsOf(text: string): number {
  const octets = parseSize(text)
  if (octets === undefined) throw new CommandError(exitCode.usage, `"${text}" is no size; write "2 GB".`)
  return octets
}

function numberOf(text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw new CommandError(exitCode.usage, `"${text}" is no number; write "1000".`)
  return Number(text)
}

function addImport(account: Command, io: Io): void {
  const description =
    'Make many accounts: a file (or - for standard input) with an address and a password or argon2id hash on each line.'
  admin(account, 'import <file>', description).action(async (file: string, options: Options) => {
    const lines = (await textOf(file, io)).split('\n')
    const onProgress = progressBar(io, 'importing')
    type Result = { added: number; problems: { line: number; message: string }[] }
    const result = await administer<Result>(options, {
      operation: 'account.import',
      parameters: { lines },
      onProgress,
    })
    print(io, options, result, () => `Added ${result.added} accounts.\n`)
    for (const problem of result.problems) io.err(`${file}:${problem.line}: ${problem.message}\n`)
    if (result.problems.length > 0) {
      throw new CommandError(
        exitCode.refused,
        `${result.problems.length} of the lines could not be imported; the others were.`,
      )
    }
  })
}

/** Adds `alias add|list|remove`. */
export function addAliasCommands(program: Command, io: Io): void {
  const alias = program.command('alias').description('Addresses that lead to others.')
  admin(
    alias,
    'add <address> <targets...>',
    'Let an address (or @domain, for all that no other takes) lead to others.',
  )
    .alias('set')
    .option(
      '--list',
      'a mailing list: what bounces goes to its owner, by default the postmaster of its domain',
    )
    .option(
      '--owner <address>',
      'the owner of a mailing list; default: nobody, or with --list the postmaster',
    )
    .action(
      async (address: string, targets: string[], options: Options & { list?: true; owner?: string }) => {
        const byDefault = options.list ? `postmaster@${address.slice(address.lastIndexOf('@') + 1)}` : null
        const set = await administer<{ address: string; display: string; owner: string | null }>(options, {
          operation: 'alias.set',
          parameters: { address, targets, owner: options.owner ?? byDefault },
        })
        const owned = set.owner === null ? '' : ` Bounces go to ${displayAddress(set.owner)}.`
        print(
          io,
          options,
          { ...set, targets },
          () => `${set.display} leads to ${targets.join(', ')}.${owned}\n`,
        )
      },
    )
  admin(alias, 'list [domain]', 'List the aliases.').action(
    async (domain: string | undefined, options: Options) => {
      const parameters = domain === undefined ? {} : { domain }
      type Shown = { display: string; targets: string[]; owner: string | null }
      const aliases = await administer<Shown[]>(options, { operation: 'alias.list', parameters })
      print(io, options, aliases, () =>
        table(
          ['alias', 'leads to'],
          aliases.map(({ display, targets, owner }) => [
            display,
            targets.map(displayAddress).join(', ') +
              (owner === null ? '' : ` (a list of ${displayAddress(owner)})`),
          ]),
          'No aliases.',
        ),
      )
    },
  )
  admin(alias, 'remove <address>', 'Remove an alias.').action(async (address: string, options: Options) => {
    await administer(options, { operation: 'alias.remove', parameters: { address } })
    print(io, options, { address }, () => `Removed ${address}.\n`)
  })
}

/** Adds `fsck` and `metrics`. */
export function addServerCommands(program: Command, io: Io): void {
  admin(program, 'fsck', 'Recompute everything the store claims, and list what does not hold.').action(
    async (options: Options) => {
      const onProgress = progressBar(io, 'checking')
      type Finding = { check: string; account: number | null; message: string }
      const findings = await administer<Finding[]>(options, { operation: 'store.audit', onProgress })
      print(io, options, findings, () =>
        table(
          ['check', 'account', 'finding'],
          findings.map((one) => [one.check, String(one.account ?? ''), one.message]),
          'Clean: counts, UIDs, modseqs, references, files and quotas are as they should be.',
        ),
      )
      if (findings.length > 0) {
        throw new CommandError(
          exitCode.refused,
          `${findings.length} finding${findings.length === 1 ? '' : 's'}: restore a backup, or report them with what was done before.`,
        )
      }
    },
  )
  admin(program, 'metrics', 'Print the counters of the running server in Prometheus’ text format.').action(
    async (options: Options) => {
      const text = await administer<string>(options, { operation: 'server.metrics', needs: 'server' })
      print(io, options, { text }, () => text)
    },
  )
}

function accountTable(accounts: readonly ShownAccount[]): string {
  const limit = (used: string, most: string | null): string => (most === null ? used : `${used} of ${most}`)
  return table(
    ['address', 'state', 'messages', 'size'],
    accounts.map((one) => [
      one.display,
      one.state,
      limit(String(one.messages), one.quotaMessages === null ? null : String(one.quotaMessages)),
      limit(humanSize(one.bytes), one.quotaBytes === null ? null : humanSize(one.quotaBytes)),
    ]),
    'No accounts yet. Add one: posthorn account add ann@example.org --password-stdin',
  )
}

function quotaOf(options: PasswordOptions): { quota?: { bytes: number | null; messages: number | null } } {
  if (options.quota === undefined && options.maxMessages === undefined) return {}
  const bytes = options.quota === undefined ? null : parseSize(options.quota)
  const messages = options.maxMessages === undefined ? null : numberOf(options.maxMessages)
  if (bytes === undefined)
    throw new CommandError(exitCode.usage, `"${options.quota}" is no size; write "2 GB".`)
  return { quota: { bytes, messages } }
}

function roleOption(): Option {
  return new Option('--role <role>', 'admins run the server by the pages').choices(['user', 'admin'])
}

async function passwordFrom(io: Io, options: PasswordOptions): Promise<string> {
  if (options.passwordStdin !== true) {
    // Twice, since nobody sees what is typed.
    if (io.input.isTTY === true) {
      const password = await askPassword(io, 'New password')
      if ((await askPassword(io, 'Once more')) === password) return password
      throw new CommandError(exitCode.usage, 'These are two passwords. Nothing was changed; try again.')
    }
    throw new CommandError(
      exitCode.usage,
      'Give the password on standard input: printf %s PASSWORD | posthorn account … --password-stdin',
    )
  }
  const [password = ''] = (await readInput(io)).split(/\r?\n/)
  if (password === '') throw new CommandError(exitCode.usage, 'Standard input holds no password.')
  return password
}

async function textOf(file: string, io: Io): Promise<string> {
  if (file === '-') return readInput(io)
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new CommandError(
      exitCode.usage,
      `${file} cannot be read: ${error instanceof Error ? error.message : ''}`,
    )
  }
}
