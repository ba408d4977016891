// BDAT (RFC 3030 §2): a chunk of the message, by count. The octets of every chunk are read, wanted or not, before the reply;
// so this row is open in all states and does its own checks.
import { ChunkScanner } from '../content.ts'
import { tryChunk } from '../grammar.ts'
import { replies, type Reply } from '../reply.ts'
import { ask, refusalIn, type Session, type Step } from '../session.ts'
import { anyState, missingAdmission, type Command } from './command.ts'
import { withoutRecipients } from './data.ts'

export const bdat: Command = {
  name: 'BDAT',
  states: anyState,
  syntax: 'BDAT octets [LAST]',
  help: 'Sends a chunk of the message, or the last one.',
  needs: 'nothing',
  run: runBdat,
}

function runBdat(session: Session, argument: string): Step {
  const chunk = tryChunk(argument)
  if (chunk === undefined) return replies.syntax(bdat.syntax)
  const read = (refusal: Reply | null): null => {
    session.mode = { type: 'chunk', remaining: chunk.octets, size: chunk.octets, last: chunk.last, refusal }
    return null
  }
  const refusal = unwanted(session)
  const { transaction } = session
  if (refusal !== null || transaction === null) return read(refusal)
  if (transaction.chunks !== null) return read(null)
  return ask({ type: 'data', client: session.client, envelope: transaction }, (reply) => {
    transaction.chunks = new ChunkScanner(session.settings.limits.maxLineSize)
    transaction.failed = refusalIn(reply)
    return read(null)
  })
}

/** Why this chunk may not come now, or null. */
function unwanted(session: Session): Reply | null {
  const admission = missingAdmission('admission', session)
  if (admission !== null) return admission
  if (session.client.name === '') return replies.helloFirst
  // RFC 3030 §2: also after BDAT LAST, which ended the transaction.
  if (session.transaction === null) return replies.mailFirst
  return session.transaction.recipients.length === 0 ? withoutRecipients(session) : null
}
