// `posthorn sendmail`: what programs expect of /usr/sbin/sendmail, over the server of this machine or, while none runs, straight
// into its store. A link named `sendmail`, `mailq` or `newaliases` to `posthorn` does the same (bin/posthorn.js).
//
// It needs the right to open the data folder: it speaks for any sender.
import { Buffer } from 'node:buffer'
import { userInfo } from 'node:os'
import type { Command } from 'commander'
import { parseAddressList } from '../mail/address-list.ts'
import { tryAddress } from '../mail/address.ts'
import { fieldValue, splitHeader } from '../mail/header.ts'
import { editHeader } from '../mail/header-edit.ts'
import { administer } from './admin-client.ts'
import { type ConfigOptions, loadConfig } from './configuration.ts'
import { CommandError, exitCode, type Io, print, readInputBytes } from './io.ts'
import { parseSendmailFlags, type SendmailCall } from './sendmail-flags.ts'

/** What `mail.submit` gives. */
interface Submitted {
  readonly id: string
  readonly recipients: readonly { address: string; status: string; reason?: string }[]
}

interface Options extends ConfigOptions {
  readonly json?: boolean
}

/** Adds `sendmail`. */
export function addSendmailCommand(program: Command, io: Io): void {
  program
    .command('sendmail')
    .description(
      'Stand in for sendmail(1): take a message from standard input and send it. It goes to the running server, or into its store while none runs. Options of Posthorn stand before the flags: posthorn sendmail --config FILE -t.',
    )
    .argument('[flags...]', 'flags of sendmail(1), and recipients; see below')
    .helpOption('--help', 'display help for command')
    .addHelpText('after', flagsHelp)
    .allowUnknownOption()
    .passThroughOptions()
    .option('--config <file>', 'configuration file; default: posthorn.config.ts or posthorn.toml here')
    .option('--data <folder>', 'data folder; default: the one of the configuration')
    .option('--json', 'print what became of the message as JSON')
    .action((argv: string[], options: Options) => sendmail(io, argv, options))
}

const flagsHelp = `
Flags:
  -t              also send to those whom To, Cc and Bcc name
  -i, -oi         a line with a single dot does not end the message
  -f, -r ADDRESS  the sender of the envelope; <> for none; default: your user name at the default domain
  -F NAME         the name in From, where the message has no From
  -N WHEN         reports: never, or success, failure and delay with commas between (RFC 3461)
  -R full|hdrs    how much of the message a report returns
  -V ID           the envelope id that reports repeat
  -bs             speak SMTP on standard input and output
  -bp             show the queue, as mailq does
  -bi             nothing: aliases are in the store (posthorn alias)
  -q              try everything in the queue now
  -B, -bm, -e, -G, -L, -m, -n, -o, -U, -v, -A and -X are taken and change nothing.

Exit codes, those of sysexits.h: 0 taken, 64 wrong flags, 67 a recipient was refused (the others have it), 70 a defect, 75 try
again later, 78 the configuration is wrong.`

/** The exit codes that callers of sendmail(1) know (sysexits.h): they decide whether to keep the message and try again. */
const sysexits = new Map<number, number>([
  [exitCode.usage, 64],
  [exitCode.refused, 67],
  [exitCode.internal, 70],
  [exitCode.unavailable, 75],
  [exitCode.config, 78],
])

async function sendmail(io: Io, argv: readonly string[], options: Options): Promise<void> {
  try {
    await act(io, argv, options)
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    throw new CommandError(sysexits.get(error.code) ?? error.code, error.message)
  }
}

async function act(io: Io, argv: readonly string[], options: Options): Promise<void> {
  const flags = parseSendmailFlags(argv)
  if (!flags.ok) throw new CommandError(exitCode.usage, flags.message)
  const { call } = flags
  switch (call.mode) {
    case 'message':
      return sendMessage(io, call, options)
    case 'session':
      return session(io, options)
    case 'list': {
      const { showQueue } = await import('./queue-commands.ts')
      return showQueue(io, options)
    }
    case 'run-queue':
      await retryAll(io, options)
      return
    case 'aliases': {
      const note = 'Aliases are in the store and need no table: posthorn alias list'
      print(io, options, { note }, () => `${note}\n`)
    }
  }
}

/** As sendmail(1) does it: without a word, unless JSON is asked for. */
async function retryAll(io: Io, options: Options): Promise<void> {
  const result = await administer<{ changed: number }>(options, {
    operation: 'queue.retry',
    parameters: { filter: {} },
  })
  print(io, options, result, () => '')
}

async function sendMessage(io: Io, call: SendmailCall, options: Options): Promise<void> {
  const text = lineEnds(untilDot(await readInputBytes(io), call.dot))
  const sender = call.from ?? (await ownAddress(options))
  const { message, named } = complete(text, call, sender)
  const recipients = await withDomains([...call.recipients, ...named], options)
  if (recipients.length === 0) {
    throw new CommandError(
      exitCode.usage,
      'No recipients: name them, or give -t to take those of the header.',
    )
  }
  const [reversePath = ''] = await withDomains([sender], options)
  const parameters = {
    reversePath,
    recipients,
    message: Buffer.from(message, 'latin1').toString('base64'),
    ...{ notify: call.notify, ret: call.ret, envId: call.envId },
  }
  const submitted = await administer<Submitted>(options, { operation: 'mail.submit', parameters })
  if (options.json) io.out(`${JSON.stringify(submitted, null, 2)}\n`)
  const refused = submitted.recipients.filter(({ status }) => status === 'refused')
  if (refused.length > 0) {
    const addresses = refused.map(({ address, reason }) => `${address} (${reason ?? ''})`).join(', ')
    throw new CommandError(exitCode.refused, `Not accepted for ${addresses}; the others have it.`)
  }
}

/** The message up to the line with a single dot, where that ends it. */
function untilDot(input: Buffer, dot: SendmailCall['dot']): string {
  const text = input.toString('latin1')
  if (dot === 'is-text') return text
  const end = /^\.\r?$/m.exec(text)
  return end === null ? text : text.slice(0, end.index)
}

/** Lines of a Unix text end in LF; those of a message in CRLF (RFC 5322 §2.1). */
function lineEnds(text: string): string {
  const lines = text.replace(/\r\n?|\n/g, '\r\n')
  return lines.endsWith('\r\n') ? lines : `${lines}\r\n`
}

/** With a From field, and, for -t, the recipients that its header names (RFC 5322 §3.6.3, §3.6.6). */
function complete(
  text: string,
  call: SendmailCall,
  sender: string,
): { readonly message: string; readonly named: readonly string[] } {
  // A text that begins without a field is all body.
  const whole = /^[!-9;-~]+[ \t]*:/.test(text) || text.startsWith('\r\n') ? text : `\r\n${text}`
  const name = call.fullName === null ? '' : `"${call.fullName.replace(/["\\]/g, '\\$&')}" `
  const from = {
    type: 'add-missing',
    name: 'From',
    value: `${name}<${sender === '' ? 'MAILER-DAEMON' : sender}>`,
  } as const
  const message = editHeader(whole, [from])
  if (call.recipientsFrom === 'arguments') return { message, named: [] }
  const { fields } = splitHeader(message)
  const resent = fields.some((field) => /^resent-(to|cc|bcc)$/.test(field.name))
  const wanted = resent ? /^resent-(to|cc|bcc)$/ : /^(to|cc|bcc)$/
  const lists = fields
    .filter((field) => wanted.test(field.name))
    .map((field) => parseAddressList(fieldValue(field), maxHeaderRecipients))
  return { message, named: lists.flatMap(mailboxesOf) }
}

/** Recipients that a header may name. */
const maxHeaderRecipients = 10_000

function mailboxesOf(list: ReturnType<typeof parseAddressList>): string[] {
  if (list.truncated) {
    throw new CommandError(exitCode.usage, `The header names more than ${maxHeaderRecipients} recipients.`)
  }
  return list.addresses.flatMap(({ mailbox, host }) => {
    // Marks of a group (RFC 5322 §3.4).
    if (mailbox === null || host === null) return []
    const local = /^[^\s"(),:;<>@[\\\]]+$/.test(mailbox) ? mailbox : `"${mailbox.replace(/["\\]/g, '\\$&')}"`
    return [host === '' ? local : `${local}@${host}`]
  })
}

/** A name without a domain is one of ours. */
async function withDomains(names: readonly string[], options: Options): Promise<string[]> {
  const domain = names.every((name) => name === '' || name.includes('@')) ? '' : await ownDomain(options)
  return names.map((name) => {
    const address = name === '' || name.includes('@') ? name : `${name}@${domain}`
    if (address !== '' && tryAddress(address, { utf8: true }) === undefined) {
      throw new CommandError(exitCode.usage, `"${name}" is not an address.`)
    }
    return address
  })
}

async function ownDomain(options: Options): Promise<string> {
  const config = await loadConfig(options)
  return config.directory.defaultDomain ?? config.hostname
}

async function ownAddress(options: Options): Promise<string> {
  return `${userInfo().username}@${await ownDomain(options)}`
}

async function session(io: Io, options: Options): Promise<void> {
  const config = await loadConfig(options)
  const { runSession } = await import('./sendmail-session.ts')
  await runSession(io, config, async ({ reversePath, recipients, content }) => {
    const parameters = { reversePath, recipients, message: content.toString('base64') }
    try {
      const { id, recipients: fates } = await administer<Submitted>(options, {
        operation: 'mail.submit',
        parameters,
      })
      const refused = fates.filter(({ status }) => status === 'refused').map(({ address }) => address)
      // A part of it has been taken, so the reply must consent; what was not is said all the same.
      return { ok: true, id: refused.length === 0 ? id : `${id}, but not for ${refused.join(' ')}` }
    } catch (error) {
      if (error instanceof CommandError) return { ok: false, sentence: error.message }
      throw error
    }
  })
}
