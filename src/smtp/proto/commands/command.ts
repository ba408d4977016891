// What a row of the command table is. One file per command; the table is in table.ts.
import type { MailCommand } from '../questions.ts'
import { replies, type Reply } from '../reply.ts'
import type { Session, SessionState, Step } from '../session.ts'

export interface Command {
  /** The verb, in capitals. */
  readonly name: string
  /** Where in a session it may come; elsewhere it is answered with 503. */
  readonly states: readonly SessionState[]
  /** For HELP and for 501. */
  readonly syntax: string
  /** One sentence. */
  readonly help: string
  /** `admission`: only after TLS and AUTH where the listener demands them (RFC 3207 §4, RFC 4954 §6). */
  readonly needs: 'nothing' | 'tls' | 'admission'
  /** The reply where this session has no such command, null where it has. Absent: always there. */
  readonly absent?: (session: Session) => Reply | null
  /** Keywords that its parameters may have in this session, for HELP; absent: it takes none. */
  readonly parameters?: (session: Session) => readonly string[]
  /** `argument` is trimmed; '' where there is none. */
  readonly run: (session: Session, argument: string) => Step
}

const mailCommands: ReadonlySet<string> = new Set<MailCommand>(['MAIL', 'SEND', 'SOML', 'SAML'])

export const anyState: readonly SessionState[] = ['new', 'ready', 'mail', 'chunks']

/** The reply to a command that may not come yet because of TLS or AUTH, or null. */
export function missingAdmission(needs: Command['needs'], { settings, client }: Session): Reply | null {
  if (needs === 'nothing') return null
  // RFC 3207 §4: 530 to every command other than NOOP, EHLO, STARTTLS and QUIT.
  if (settings.admission.tls && client.tls === null) return replies.tlsFirst
  // RFC 4954 §6: 530 where policy requires authentication.
  if (needs === 'admission' && settings.admission.authentication && client.username === null)
    return replies.authFirst
  return null
}

/** RFC 5321 §4.1.4: the 503 for a command out of order. */
export function outOfOrder(command: Command, state: SessionState): Reply {
  switch (state) {
    case 'new':
      return replies.helloFirst
    case 'ready':
      return replies.mailFirst
    case 'mail':
      return mailCommands.has(command.name) ? replies.nested : replies.duringTransaction
    case 'chunks':
      return replies.duringChunks
  }
}
