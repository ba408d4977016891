// `posthorn account app-password|sessions|protection|totp|passkey`: how accounts are protected, in the words of the HTTP API.
import { type Command, InvalidArgumentError } from 'commander'
import { parseDuration } from '../base/duration.ts'
import type { ShownAppPassword, ShownProtection, ShownSession } from '../control/server/login-operations.ts'
import { administer } from './admin-client.ts'
import { admin } from './admin-command.ts'
import type { ConfigOptions } from './configuration.ts'
import { CommandError, exitCode, type Io, print, table } from './io.ts'

interface Options extends ConfigOptions {
  readonly json?: boolean
}

interface AddOptions extends Options {
  readonly label?: string
  readonly scope?: readonly string[]
  readonly expires?: string
}

/** Adds them to `account`. */
export function addLoginCommands(account: Command, io: Io): void {
  addAppPasswords(account, io)
  addSessions(account, io)
  addFactors(account, io)
}

function addAppPasswords(account: Command, io: Io): void {
  const parent = account
    .command('app-password')
    .description('Passwords for programs: each for some uses, until a time.')
  admin(parent, 'add <address>', 'Make one; it is shown this once.')
    .option('--label <text>', 'what it is for', 'command line')
    .option(
      '--scope <name>',
      'mail, send, settings or admin; may be repeated; default: mail and send',
      anotherScope,
    )
    .option('--expires <duration>', 'how long it holds, for example "90d"; default: for ever')
    .action(async (address: string, options: AddOptions) => {
      const { label, scope: scopes, expires } = options
      const made = await administer<ShownAppPassword & { password: string }>(options, {
        operation: 'account.app-password.add',
        parameters: { address, label, ...(scopes && { scopes }), expires: endOf(expires) },
      })
      print(io, options, made, () => `${made.password}\n`)
    })
  admin(parent, 'list <address>', 'List them.').action(async (address: string, options: Options) => {
    const all = await administer<ShownAppPassword[]>(options, {
      operation: 'account.app-password.list',
      parameters: { address },
    })
    print(io, options, all, () =>
      table(
        ['id', 'label', 'scopes', 'made', 'expires', 'last used'],
        all.map((one) => [
          String(one.id),
          one.label,
          one.scopes.join(' '),
          one.created,
          one.expires ?? 'never',
          one.used === null ? 'never' : `${one.used} ${one.usedBy ?? ''}`,
        ]),
        'No app passwords.',
      ),
    )
  })
  admin(parent, 'remove <address> <id>', 'Revoke one.').action(
    async (address: string, id: string, options: Options) => {
      const parameters = { address, id: numberOf(id) }
      await administer(options, { operation: 'account.app-password.remove', parameters })
      print(io, options, parameters, () => `App password ${id} of ${address} is revoked.\n`)
    },
  )
}

const scopes: readonly string[] = ['mail', 'send', 'settings', 'admin']

function anotherScope(name: string, before: readonly string[] = []): string[] {
  if (!scopes.includes(name)) throw new InvalidArgumentError(`Allowed choices are ${scopes.join(', ')}.`)
  return [...before, name]
}

function addSessions(account: Command, io: Io): void {
  const parent = account.command('sessions').description('Log-ins at the web pages.')
  admin(parent, 'list <address>', 'List them.').action(async (address: string, options: Options) => {
    const all = await administer<ShownSession[]>(options, {
      operation: 'account.sessions.list',
      parameters: { address },
    })
    print(io, options, all, () =>
      table(
        ['id', 'logged in', 'last seen', 'by', 'from', 'browser'],
        all.map((one) => [
          ...[String(one.id), one.created, one.seen, one.method, one.remoteAddress],
          one.userAgent.slice(0, 60),
        ]),
        'No sessions.',
      ),
    )
  })
  admin(parent, 'end <address> [id]', 'End one, or all of the account.').action(
    async (address: string, id: string | undefined, options: Options) => {
      const parameters = { address, ...(id !== undefined && { id: numberOf(id) }) }
      const result = await administer<{ ended: number }>(options, {
        operation: 'account.sessions.end',
        parameters,
      })
      print(io, options, result, ({ ended }) => `Ended ${ended} of ${address}.\n`)
    },
  )
}

function addFactors(account: Command, io: Io): void {
  admin(account, 'protection <address>', 'Show how an account is protected.').action(
    async (address: string, options: Options) => {
      const shown = await administer<ShownProtection>(options, {
        operation: 'account.protection',
        parameters: { address },
      })
      print(io, options, shown, protectionText)
    },
  )
  const totp = account.command('totp').description('Codes of an authenticator app.')
  admin(totp, 'remove <address>', 'Ask for codes no more: the app is lost.').action(
    async (address: string, options: Options) => {
      await administer(options, { operation: 'account.totp.remove', parameters: { address } })
      print(io, options, { address }, () => `${address} is asked for no codes any more.\n`)
    },
  )
  const passkey = account.command('passkey').description('Passkeys; `account protection` lists them.')
  admin(passkey, 'remove <address> <id>', 'Remove one.').action(
    async (address: string, id: string, options: Options) => {
      const parameters = { address, id: numberOf(id) }
      await administer(options, { operation: 'account.passkey.remove', parameters })
      print(io, options, parameters, () => `Passkey ${id} of ${address} is removed.\n`)
    },
  )
}

function protectionText(shown: ShownProtection): string {
  const app =
    shown.totp === 'on' ? `on since ${shown.totpSince}, ${shown.recoveryCodes} recovery codes left` : 'off'
  const keys = shown.passkeys.map(
    ({ id, label, used }) => `  ${id}  ${label}  last used ${used ?? 'never'}\n`,
  )
  return [
    `${shown.address}\n`,
    `password: ${shown.password === 'refused' ? 'refused: passkeys alone open the account' : 'opens the account'}\n`,
    `authenticator app: ${app}\n`,
    `passkeys: ${keys.length === 0 ? 'none' : ''}\n`,
    ...keys,
  ].join('')
}

/** ISO 8601, or null for never. */
function endOf(expires: string | undefined): string | null {
  if (expires === undefined) return null
  const length = parseDuration(expires)
  if (length === undefined) {
    throw new CommandError(exitCode.usage, `"${expires}" is no duration. Write it like "90d".`)
  }
  return new Date(Date.now() + length).toISOString()
}

function numberOf(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new CommandError(exitCode.usage, `"${text}" is no number. \`list\` shows them.`)
}
