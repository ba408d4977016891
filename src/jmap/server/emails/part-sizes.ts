// Octets of parts without their transfer encoding (RFC 8621 §4.1.4 `size`). To know that of a base64 part takes decoding it, so the last
// ones are remembered: octets of a blob never change.
import { decodeTransfer } from '../../../mail/transfer.ts'
import type { Part } from '../../../mail/mime/structure.ts'
import type { EmailSource } from './email-source.ts'

/** Sizes remembered at most; some 100 octets each. */
const most = 20_000

export class PartSizes {
  readonly #known = new Map<string, number>()

  async sizeOf(source: EmailSource, part: Part): Promise<number> {
    const { bodyStart, bodyEnd, encoding } = part
    if (encoding !== 'base64' && encoding !== 'quoted-printable') return bodyEnd - bodyStart
    const key = `${source.blobId} ${bodyStart} ${bodyEnd}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const size = decodeTransfer(await source.read(bodyStart, bodyEnd), encoding).length
    if (this.#known.size >= most) {
      for (const [oldest] of this.#known) {
        this.#known.delete(oldest)
        break
      }
    }
    this.#known.set(key, size)
    return size
  }
}
