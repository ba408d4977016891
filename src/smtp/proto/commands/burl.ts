// BURL (RFC 4468 §3): what a URL names becomes the message, or a piece of it among BDAT's chunks.
import { ChunkScanner } from '../content.ts'
import { replies } from '../reply.ts'
import { ask, dropTransaction, refusalIn, type Session, type Step, type Transaction } from '../session.ts'
import type { Command } from './command.ts'
import { withoutRecipients } from './data.ts'

export const burl: Command = {
  name: 'BURL',
  states: ['mail', 'chunks'],
  syntax: 'BURL url [LAST]',
  help: 'Takes the message, or the last piece of it, from a mailbox by its URL.',
  needs: 'admission',
  absent: ({ settings }) => (settings.offers.burl === null ? replies.notImplemented : null),
  run: runBurl,
}

/** RFC 4468 §3.5: `burl-cmd = "BURL" SP absolute-URI [SP end-marker] CRLF` */
function runBurl(session: Session, argument: string): Step {
  const found = /^(imap:[\x21-\x7e]+)(?: (LAST))?$/i.exec(argument)
  const { transaction } = session
  const url = found?.[1]
  if (url === undefined) return replies.syntax(burl.syntax)
  if (transaction === null) return replies.mailFirst
  // RFC 4468 §3.2: without a recipient nothing is fetched.
  if (transaction.recipients.length === 0) return withoutRecipients(session)
  const last = found?.[2] !== undefined
  if (transaction.chunks !== null) return open(session, transaction, { url, last })
  return ask({ type: 'data', client: session.client, envelope: transaction }, (reply) => {
    transaction.chunks = new ChunkScanner(session.settings.limits.maxLineSize)
    transaction.failed = refusalIn(reply)
    return open(session, transaction, { url, last })
  })
}

function open(session: Session, transaction: Transaction, of: { url: string; last: boolean }): Step {
  return ask({ type: 'url', url: of.url }, (reply) => {
    const refusal = refusalIn(reply)
    // RFC 4468 §3.2: "If the URL fetch fails, the server will fail the entire transaction."
    if (refusal !== null) return dropTransaction(session, () => transaction.failed ?? refusal)
    session.mode = { type: 'url', last: of.last, transaction }
    return null
  })
}
