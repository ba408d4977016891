// DATA (RFC 5321 §4.1.1.4): the message follows as lines, up to a line that is a dot.
import { DataReader } from '../content.ts'
import { replies, type Reply } from '../reply.ts'
import { ask, refusalIn, type Session, type Step } from '../session.ts'
import type { Command } from './command.ts'

export const data: Command = {
  name: 'DATA',
  states: ['mail'],
  syntax: 'DATA',
  help: 'Sends the message; a line with a single dot ends it.',
  needs: 'admission',
  run: runData,
}

function runData(session: Session, argument: string): Step {
  const { transaction } = session
  if (argument !== '') return replies.noArgument('DATA')
  if (transaction === null) return replies.mailFirst
  // RFC 3030 §3: BINARYMIME cannot be used with DATA.
  if (transaction.sender.body === 'BINARYMIME') return replies.binaryNeedsBdat
  if (transaction.recipients.length === 0) return withoutRecipients(session)
  return ask({ type: 'data', client: session.client, envelope: transaction }, (reply) => {
    const refusal = refusalIn(reply)
    if (refusal !== null) return refusal
    const reader = new DataReader(session.settings.limits.maxLineSize)
    session.mode = { type: 'data', reader, transaction }
    return replies.startData
  })
}

/** RFC 5321 §3.3: 554; RFC 2033 §4.2: 503. */
export function withoutRecipients({ settings }: Session): Reply {
  return settings.dialect === 'lmtp' ? replies.noRecipientYet : replies.noValidRecipients
}
