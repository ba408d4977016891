// The table of all commands. HELP, the support table and the dispatch derive from it. HELP itself is here because it is about the table.
import { replies } from '../reply.ts'
import type { Session, Step } from '../session.ts'
import { auth } from './auth.ts'
import { bdat } from './bdat.ts'
import { anyState, type Command } from './command.ts'
import { data } from './data.ts'
import { ehlo, helo } from './hello.ts'
import { mail } from './mail.ts'
import { rcpt } from './rcpt.ts'
import { noop, quit, rset } from './simple.ts'
import { starttls } from './starttls.ts'
import { expn, vrfy } from './verify.ts'

/** RFC 5321 §4.1.1.8. */
const help: Command = {
  name: 'HELP',
  states: anyState,
  syntax: 'HELP [command]',
  help: 'Lists the commands, or explains one.',
  needs: 'nothing',
  run: runHelp,
}

export const commands: readonly Command[] = [
  helo,
  ehlo,
  starttls,
  auth,
  mail,
  rcpt,
  data,
  bdat,
  rset,
  noop,
  vrfy,
  expn,
  help,
  quit,
]

/** By name. */
export const commandTable: ReadonlyMap<string, Command> = new Map(
  commands.map((command) => [command.name, command]),
)

/** Verbs of SMTP that this server knows and does not do: 502 (RFC 5321 §4.2.4). All others are 500. */
export const unimplementedVerbs: ReadonlySet<string> = new Set([
  'SEND',
  'SOML',
  'SAML',
  'TURN',
  'ETRN',
  'ATRN',
  'BURL',
])

/** Whether this session could use the command at all, now or later. */
function isUsable(command: Command, { settings, client }: Session): boolean {
  if (command === auth) return settings.sasl !== null && client.username === null
  if (command === starttls) return settings.startTls && client.tls === null
  return true
}

function runHelp(session: Session, argument: string): Step {
  const usable = commands.filter((command) => isUsable(command, session))
  if (argument === '') {
    return replies.helpText([
      `Commands: ${usable.map((command) => command.name).join(' ')}`,
      'HELP and a command explains it',
    ])
  }
  const command = usable.find(({ name }) => name === argument.toUpperCase())
  return command === undefined ? replies.unknownHelp : replies.helpText([command.syntax, command.help])
}
