// `posthorn attach`: a terminal of an account. What SEND, SOML and SAML bring for it (RFC 821 §3.4) is printed as it comes.
import { userInfo } from 'node:os'
import type { Command } from 'commander'
import { administer } from './admin-client.ts'
import { type ConfigOptions, loadConfig } from './configuration.ts'
import type { Io } from './io.ts'
import { askPassword } from './password.ts'

interface Options extends ConfigOptions {
  readonly json?: boolean
}

/** What the server tells: see `terminal.attach`. */
type Told =
  | { readonly type: 'attached'; readonly address: string }
  | {
      readonly type: 'message'
      readonly message: { from: string; to: string; subject: string; text: string; at: number }
    }

/** Adds `attach`. */
export function addAttachCommand(program: Command, io: Io): void {
  program
    .command('attach [address]')
    .description(
      'Open a terminal for an account: what SEND, SOML and SAML (RFC 821) bring to it is printed as it comes, until Ctrl-C. The server of this data folder must be running. Without an address it is your user name at directory.defaultDomain. The password is asked for; without a keyboard it is the first line of standard input.',
    )
    .option('--config <file>', 'configuration file; default: posthorn.config.ts or posthorn.toml here')
    .option('--data <folder>', 'data folder; default: the one of the configuration')
    .option('--json', 'print a JSON line for each message')
    .action((address: string | undefined, options: Options) => attach(io, address, options))
}

async function attach(io: Io, given: string | undefined, options: Options): Promise<void> {
  const address = given ?? (await ownAddress(options))
  const password = await askPassword(io, `Password of ${address}`)
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  try {
    await administer(options, {
      operation: 'terminal.attach',
      parameters: { address, password },
      needs: 'server',
      signal: stop.signal,
      // The table and its callers are in one program; the socket carries what the table gave.
      onEvent: (told) => io.out(options.json ? `${JSON.stringify(told)}\n` : shown(told as Told)),
    })
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

async function ownAddress(options: Options): Promise<string> {
  const config = await loadConfig(options)
  return `${userInfo().username}@${config.directory.defaultDomain ?? config.hostname}`
}

function shown(told: Told): string {
  if (told.type === 'attached') return `Attached to ${told.address}. Ctrl-C ends it.\n`
  const { from, subject, text, at } = told.message
  const time = new Date(at).toISOString().slice(11, 16)
  const title = subject === '' ? '' : `: ${subject}`
  return `\n[${time}] ${from}${title}\n${text.trimEnd()}\n`
}
