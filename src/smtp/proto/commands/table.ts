// The table of all commands. HELP, the support table and the dispatch derive from it. HELP itself is here because it is about the table.
import { replies, type Reply } from '../reply.ts'
import type { Session, Step } from '../session.ts'
import { auth } from './auth.ts'
import { bdat } from './bdat.ts'
import { burl } from './burl.ts'
import { anyState, type Command } from './command.ts'
import { data } from './data.ts'
import { ehlo, helo, lhlo } from './hello.ts'
import { mail, saml, send, soml } from './mail.ts'
import { xclient, xforward } from './proxy.ts'
import { rcpt } from './rcpt.ts'
import { noop, quit, rset } from './simple.ts'
import { starttls } from './starttls.ts'
import { atrn, etrn, turn } from './turn.ts'
import { expn, vrfy } from './verify.ts'

/** RFC 5321 §4.1.1.8. */
const help: Command = {
  name: 'HELP',
  states: anyState,
  syntax: 'HELP [command | SYSTEM]',
  help: 'Lists the commands, explains one, or tells how this session stands.',
  needs: 'nothing',
  run: runHelp,
}

export const commands: readonly Command[] = [
  helo,
  ehlo,
  lhlo,
  starttls,
  auth,
  mail,
  send,
  soml,
  saml,
  rcpt,
  data,
  bdat,
  burl,
  rset,
  noop,
  vrfy,
  expn,
  etrn,
  atrn,
  turn,
  xclient,
  xforward,
  help,
  quit,
]

/** By name. */
export const commandTable: ReadonlyMap<string, Command> = new Map(
  commands.map((command) => [command.name, command]),
)

/** What this session may use, now or later. */
function usableCommands(session: Session): Command[] {
  return commands.filter(({ absent }) => (absent?.(session) ?? null) === null)
}

function runHelp(session: Session, argument: string): Step {
  const usable = usableCommands(session)
  if (argument === '') {
    return replies.helpText([
      `Commands: ${usable.map((command) => command.name).join(' ')}`,
      'HELP and a command explains it; HELP SYSTEM tells how this session stands',
    ])
  }
  const wanted = argument.toUpperCase()
  if (wanted === 'SYSTEM') return systemStatus(session)
  const command = commandTable.get(wanted)
  return command === undefined ? replies.unknownHelp : explain(session, command)
}

function explain(session: Session, { syntax, help: about, absent, parameters }: Command): Reply {
  const missing = absent?.(session) ?? null
  // RFC 5321 §4.1.1.8: what this port leaves out says so; what is another dialect's, or other people's, is not known.
  if (missing !== null && missing !== replies.notImplemented) return replies.unknownHelp
  const keywords = parameters?.(session) ?? []
  return replies.helpText([
    syntax,
    about,
    ...(keywords.length === 0 ? [] : [`Parameters: ${keywords.join(' ')}`]),
    ...(missing === null ? [] : ['It is not offered to you on this port']),
  ])
}

/** RFC 5321 §4.2.3: 211 is system status. It tells what the client could know by itself, and nothing of the software. */
function systemStatus({ settings, client, transaction, messages }: Session): Reply {
  return replies.systemStatus([
    `${settings.hostName} is at work`,
    client.tls === null ? 'No TLS' : `${client.tls.version}, ${client.tls.cipher}`,
    client.username === null ? 'Nobody has logged in' : 'Logged in',
    `Messages begun: ${messages}; open: ${transaction === null ? 0 : 1}`,
  ])
}
