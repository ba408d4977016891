// Data items of FETCH that a message's row tells.
import { encodeFlagsItem, encodeModSeqItem } from '../../proto/encode/fetch-data.ts'
import { encodeObjectId } from '../../../mail/object-id.ts'
import { formatDateTime } from '../../proto/grammar/date.ts'
import type { FetchItem } from '../../proto/grammar/fetch.ts'
import type { Fetching } from './fetching.ts'
import type { Message } from '../../../store/model.ts'

/** The item as it is told. Throws for one that needs more than a row. */
export function rowItem(
  item: FetchItem,
  of: { fetching: Fetching; index: number; message: Message },
): string {
  const { fetching, index, message } = of
  switch (item.name) {
    case 'UID':
      return `UID ${message.uid}`
    case 'FLAGS':
      return flagsItem(of)
    case 'MODSEQ':
      return encodeModSeqItem(message.modSeq)
    case 'INTERNALDATE':
      return `INTERNALDATE "${formatDateTime(message.internalDate)}"`
    case 'RFC822.SIZE':
      return `RFC822.SIZE ${message.size}`
    case 'SAVEDATE':
      // RFC 8514 §4.1: NIL where it is not known.
      return `SAVEDATE ${message.savedAt === null ? 'NIL' : `"${formatDateTime(message.savedAt)}"`}`
    case 'EMAILID':
      // RFC 8474 §7: `"EMAILID" SP "(" objectid ")"`
      return `EMAILID (${encodeObjectId('email', fetching.selected.account, message.email)})`
    default:
      throw new Error(`${item.name} at ${index} needs more than a row`)
  }
}

/** The flags that go with the mod-sequence that is told beside them, else those that the view has. */
function flagsItem(of: { fetching: Fetching; index: number; message: Message }): string {
  const { fetching, index, message } = of
  const { view, run, items } = fetching
  if (items.some(({ name }) => name === 'MODSEQ')) {
    const { uid, flags, keywords, modSeq } = message
    view.setFlags({ uid, flags, keywords, modSeq, told: true })
  }
  return encodeFlagsItem(view.flags(index), view.keywords(message.uid), run.session.modes)
}
