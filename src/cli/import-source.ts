// From the words of `posthorn import` to a source: files of all kinds, or a server with its password, which is asked for on a terminal,
// and else comes from standard input, a file or POSTHORN_IMPORT_PASSWORD, so that it stands in no list of processes.
import { readFile } from 'node:fs/promises'
import type { Clock } from '../base/clock.ts'
import { Secret } from '../base/secret.ts'
import { openFileSource } from '../transfer/open-source.ts'
import type { Source } from '../transfer/source.ts'
import type { ConfigOptions } from './configuration.ts'
import { CommandError, exitCode, type Io } from './io.ts'
import { askPassword } from './password.ts'

export interface ImportOptions extends ConfigOptions {
  readonly json?: boolean
  readonly format: 'auto' | 'mbox' | 'maildir' | 'eml' | 'zip'
  readonly quoting: 'auto' | 'mboxrd' | 'mboxo' | 'none'
  readonly folder?: string[]
  readonly exclude?: string[]
  readonly into?: string
  readonly since?: string
  readonly dedupe?: boolean
  readonly again?: boolean
  readonly dryRun?: boolean
  readonly passwordStdin?: boolean
  readonly passwordFile?: string
  readonly token?: boolean
  readonly authorizeAs?: string
  readonly tls?: 'implicit' | 'starttls' | 'none'
  readonly insecure?: boolean
}

/** Rejects with `SourceUnreadable`. */
export async function openImportSource(
  io: Io,
  place: string,
  options: ImportOptions & { readonly clock: Clock },
): Promise<Source> {
  if (!/^imaps?:\/\//i.test(place)) {
    return openFileSource(place, { format: options.format, quoting: options.quoting, input: io.input })
  }
  const server = serverOf(place)
  const tls = options.tls ?? (server.scheme === 'imaps' ? 'implicit' : 'starttls')
  const { openImapSource } = await import('../transfer/imap-source.ts')
  return openImapSource({
    host: server.host,
    port: server.port ?? (tls === 'implicit' ? 993 : 143),
    tls,
    verify: options.insecure !== true,
    user: server.user,
    authorizeAs: options.authorizeAs ?? null,
    secret: await secretOf(io, server, options),
    mechanism: options.token === true ? 'xoauth2' : 'password',
    mailbox: server.mailbox,
  })
}

interface Server {
  readonly scheme: string
  readonly host: string
  readonly port: number | null
  readonly user: string
  readonly mailbox: string | null
}

function serverOf(place: string): Server {
  const url = URL.canParse(place) ? new URL(place) : null
  if (url === null || url.hostname === '') {
    throw new CommandError(
      exitCode.usage,
      `"${place}" is no server; write imaps://ann%40example.org@imap.example.org.`,
    )
  }
  if (url.password !== '') {
    throw new CommandError(
      exitCode.usage,
      'A password in the URL would be seen by everybody on this machine: leave it out and give --password-stdin, --password-file or POSTHORN_IMPORT_PASSWORD.',
    )
  }
  const user = tryDecode(url.username)
  if (user === '')
    throw new CommandError(exitCode.usage, `Say who logs in: ${url.protocol}//USER@${url.host}.`)
  const mailbox = tryDecode(url.pathname.replace(/^\//, ''))
  return {
    scheme: url.protocol.replace(':', ''),
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? null : Number(url.port),
    user,
    mailbox: mailbox === '' ? null : mailbox,
  }
}

function tryDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const variable = 'POSTHORN_IMPORT_PASSWORD'

async function secretOf(io: Io, server: Server, options: ImportOptions): Promise<Secret> {
  const { passwordFile } = options
  if (passwordFile !== undefined) return new Secret(await firstLine(passwordFile))
  const given = process.env[variable]
  if (options.passwordStdin !== true && given !== undefined && given !== '') return new Secret(given)
  if (options.passwordStdin !== true && io.input.isTTY !== true) {
    throw new CommandError(
      exitCode.usage,
      `Give the password of ${server.user} by --password-stdin, --password-file or ${variable}.`,
    )
  }
  return new Secret(await askPassword(io, `Password of ${server.user} at ${server.host}`))
}

async function firstLine(file: string): Promise<string> {
  try {
    const [line = ''] = (await readFile(file, 'utf8')).split(/\r?\n/)
    return line
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CommandError(exitCode.usage, `${file} cannot be read: ${reason}`)
  }
}
