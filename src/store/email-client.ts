// The part of the contract that reads mail by email (`emails.ts`), made of its operations, in batches.
import type { Executor } from './client.ts'
import type { EmailPlaces, EmailStore } from './emails.ts'
import type { UidSelection } from './store.ts'

/** Emails whose texts are read at once; fewer where the octets come along. */
const textsAtOnce = 200
const textsWithDataAtOnce = 50
/** Rows of places at once: an operation holds the thread that reads. */
const placesAtOnce = 2_000

export function emailStore(executor: Executor): EmailStore {
  const breathe = async (): Promise<void> => executor.breathe?.()
  return {
    async *emailPlaces(request) {
      for (const uids of pieces(request.uids)) {
        for (let rest = uids; rest.length > 0;) {
          const batch: EmailPlaces = await executor.read('placeBatch', {
            ...{ ...request, uids: rest, limit: placesAtOnce },
          })
          if (batch.uids.length > 0) yield batch
          const last = batch.uids.at(-1)
          const end = rest.at(-1)?.[1] ?? 0
          const more = batch.uids.length === placesAtOnce && last !== undefined && last < end
          rest = more && rest.length === 1 ? [[last + 1, end]] : []
          await breathe()
        }
      }
    },
    async *emailTexts({ account, emails, data }) {
      const step = data === true ? textsWithDataAtOnce : textsAtOnce
      for (let at = 0; at < emails.length; at += step) {
        if (at > 0) await breathe()
        const batch = await executor.read('emailTextBatch', {
          account,
          emails: emails.slice(at, at + step),
          ...(data === undefined ? {} : { data }),
        })
        if (batch.length > 0) yield batch
      }
    },
    departuresSince: (request) => executor.read('departuresSince', request),
    datedMailboxes: (account) => executor.read('datedMailboxes', account),
    mailboxNewsSince: (request) => executor.read('mailboxNewsSince', request),
  }
}

/** Ranges that span no more than a batch together, or one range alone. */
function* pieces(uids: UidSelection): Generator<UidSelection> {
  let piece: (readonly [number, number])[] = []
  let span = 0
  for (const range of uids) {
    const length = range[1] - range[0] + 1
    if (piece.length > 0 && span + length > placesAtOnce) {
      yield piece
      piece = []
      span = 0
    }
    piece.push(range)
    span += length
  }
  if (piece.length > 0) yield piece
}
