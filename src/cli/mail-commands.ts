// `posthorn send` and `posthorn read`: a message in, messages out, from the command line.
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { type Command, Option } from 'commander'
import type { ConfigOptions } from './configuration.ts'
import { CommandError, exitCode, type Io, print, readInput, readInputBytes } from './io.ts'
import { readMaildrop } from './pop3-reader.ts'

interface SendOptions extends ConfigOptions {
  readonly from?: string
  readonly direct?: string
  readonly route?: string
  readonly subject?: string
  readonly raw?: string
  readonly attach?: string[]
  readonly server: string
  readonly user?: string
  readonly passwordFile?: string
  readonly tls: 'opportunistic' | 'required' | 'implicit' | 'none'
  readonly insecure?: boolean
  readonly json?: boolean
}

interface ReadOptions {
  readonly pop3: string
  readonly passwordFile?: string
  readonly last?: boolean
  readonly json?: boolean
}

/** Adds `send` and `read`. */
export function addMailCommands(program: Command, io: Io): void {
  program
    .command('send <to...>')
    .description(
      'Send a message by SMTP: its text is standard input, or it is a whole message given by --raw. With --direct it goes to the mail hosts of its recipients themselves.',
    )
    .option(
      '--from <address>',
      'sender; needed, but with --direct, where its default is the author in the header; `<>` for none',
    )
    .option('--subject <text>', 'subject; default: empty')
    .option('--attach <file...>', 'files to attach; default: none')
    .option(
      '--raw <file>',
      'a whole message (RFC 5322), or - for standard input, sent as it is; default: one is made of the text',
    )
    .option(
      '--direct <file>',
      'a whole message, or - for standard input: look up MX, connect, show the dialogue; the far host’s reply is the result, nothing is stored; default: by --server',
    )
    .option(
      '--route <name>',
      'with --direct: by this route of relay.routes; default: as the configuration says',
    )
    .option(
      '--config <file>',
      'with --direct: configuration file; default: posthorn.config.ts or posthorn.toml here',
    )
    .option('--server <host:port>', 'where to send it', '127.0.0.1:1025')
    .option('--user <name>', 'log in as; default: without log-in')
    .option('--password-file <file>', 'file with the password on its first line; default: an empty one')
    .addOption(
      new Option('--tls <mode>', 'TLS: opportunistic STARTTLS, required STARTTLS, implicit, none')
        .choices(['opportunistic', 'required', 'implicit', 'none'])
        .default('opportunistic'),
    )
    .option('--insecure', 'take any certificate, for example a self-signed one')
    .option('--json', 'print JSON')
    .action((to: string[], options: SendOptions) => send(io, to, options))
  program
    .command('read <address>')
    .description('Print the mail of an address that a running Posthorn holds, read by POP3.')
    .option('--pop3 <host:port>', 'where the server listens', '127.0.0.1:1110')
    .option(
      '--password-file <file>',
      'file with the password on its first line; default: any, as the catcher takes it',
    )
    .option('--last', 'print only the newest message')
    .option('--json', 'print JSON')
    .action((address: string, options: ReadOptions) => read(io, address, options))
}

async function send(io: Io, to: string[], options: SendOptions): Promise<void> {
  if (options.direct !== undefined) {
    const { sendDirect } = await import('./direct-command.ts')
    return sendDirect(io, to, { ...options, direct: options.direct })
  }
  const { from } = options
  if (from === undefined) throw new CommandError(exitCode.usage, 'Say who sends it: --from ADDRESS.')
  const { host, port } = endpoint(options.server)
  const envelope = await message(io, to, { ...options, from })
  const { createTransport } = await import('nodemailer')
  const password = await passwordOf(options.passwordFile)
  const transport = createTransport({
    host,
    port,
    secure: options.tls === 'implicit',
    requireTLS: options.tls === 'required',
    ignoreTLS: options.tls === 'none',
    // Opportunistic TLS takes any certificate (RFC 7435 §1): the alternative would be none at all.
    tls: { rejectUnauthorized: options.insecure !== true && options.tls !== 'opportunistic' },
    ...(options.user === undefined ? {} : { auth: { user: options.user, pass: password ?? '' } }),
  })
  try {
    const sent = await transport.sendMail(envelope)
    const result = { accepted: sent.accepted, rejected: sent.rejected, response: sent.response }
    print(io, options, result, () => `${sent.response}\n`)
    if (sent.rejected.length > 0) {
      throw new CommandError(exitCode.refused, `Refused recipients: ${sent.rejected.join(', ')}`)
    }
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw notSent(options.server, error)
  } finally {
    transport.close()
  }
}

function notSent(server: string, error: unknown): CommandError {
  const reason = error instanceof Error ? error.message : String(error)
  const [code, advice] =
    error instanceof Error && 'responseCode' in error && Number(error.responseCode) >= 500
      ? [exitCode.refused, '']
      : [exitCode.unavailable, ' Is a server running there? `--server HOST:PORT` names another.']
  return new CommandError(code, `Not sent by ${server}: ${reason.replace(/\.?$/, '.')}${advice}`)
}

async function message(io: Io, to: string[], options: SendOptions & { readonly from: string }) {
  const envelope = { from: options.from, to }
  if (options.raw !== undefined) {
    const raw = options.raw === '-' ? await readInputBytes(io) : await fileBytes(options.raw)
    return { envelope, raw }
  }
  return {
    envelope,
    from: options.from,
    to,
    subject: options.subject ?? '',
    attachments: await Promise.all((options.attach ?? []).map(attachmentOf)),
    text: await textOf(io),
  }
}

async function attachmentOf(path: string) {
  return { filename: basename(path), content: await fileBytes(path) }
}

async function textOf(io: Io): Promise<string> {
  if (io.input.isTTY === true) io.err('Write the text; Ctrl-D on a line of its own ends it.\n')
  return readInput(io)
}

async function read(io: Io, address: string, options: ReadOptions): Promise<void> {
  const password = (await passwordOf(options.passwordFile)) ?? 'any'
  const messages: string[] = []
  for await (const bytes of readMaildrop({ ...endpoint(options.pop3), username: address, password })) {
    if (options.last) messages.length = 0
    messages.push(bytes.toString('utf8'))
  }
  print(io, options, messages, () =>
    messages.length === 0
      ? `No mail for ${address}.\n`
      : messages
          .map(
            (text, index) =>
              `From ${address}, message ${index + 1} of ${messages.length}\n${text.replaceAll('\r\n', '\n')}`,
          )
          .join('\n'),
  )
}

function endpoint(text: string): { host: string; port: number } {
  const at = text.lastIndexOf(':')
  const port = Number(text.slice(at + 1))
  if (at < 1 || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new CommandError(exitCode.usage, `"${text}" is not HOST:PORT, for example 127.0.0.1:1025.`)
  }
  return { host: text.slice(0, at).replaceAll(/[[\]]/g, ''), port }
}

async function passwordOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  const [password = ''] = (await fileBytes(file)).toString('utf8').split(/\r?\n/)
  return password
}

async function fileBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new CommandError(
      exitCode.usage,
      `${file} cannot be read: ${error instanceof Error ? error.message : ''}`,
    )
  }
}
