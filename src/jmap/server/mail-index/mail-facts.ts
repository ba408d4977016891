// What queries want of every email's text, read when first asked for and then only added to: who it is from, its subject, when it was sent,
// whether it has attachments. None of it ever changes.
import { emailAddress } from '../../proto/header-value.ts'
import { bodyStructure, flatBody } from '../../proto/email-body.ts'
import { baseSubject } from '../../../mail/base-subject.ts'
import { tryDate } from '../../../mail/date.ts'
import { decodeEnvelope, decodeRoot } from '../../../mail/mime/codec.ts'
import type { EnvelopeAddress } from '../../../mail/address-list.ts'
import type { AccountId, EmailId } from '../../../store/model.ts'
import type { Store } from '../../../store/store.ts'
import { textOrder } from '../../proto/collation.ts'
import { doubles, octets } from './columns.ts'
import type { MailIndex } from './mail-index.ts'
import { SlotOrder, type Ranked } from './slot-order.ts'

export type FactKind = 'envelopes' | 'attachments'

/** Emails read at once. */
const atOnce = 200

export class MailFacts {
  readonly #index: MailIndex
  readonly from: string[] = []
  readonly to: string[] = []
  readonly subject: string[] = []
  /** Milliseconds; −Infinity: none. */
  readonly sentAt = doubles()
  /** 1: it has some. */
  readonly attachments = octets()
  readonly #textOrders = new Map<string, SlotOrder<string>>()
  readonly #numberOrders = new Map<string, SlotOrder<number>>()
  #textLength = 0
  /** The reading that is under way, of each kind. */
  readonly #reading = new Map<FactKind, Promise<void>>()

  constructor(index: MailIndex) {
    this.#index = index
  }

  get weight(): number {
    let weight = 2 * this.#textLength + 100 * this.subject.length + this.attachments.length
    for (const order of this.#textOrders.values()) weight += order.weight
    for (const order of this.#numberOrders.values()) weight += order.weight
    return weight
  }

  /** Whether all emails are read. */
  has(kind: FactKind): boolean {
    return this.#length(kind) >= this.#index.emails.length
  }

  #length(kind: FactKind): number {
    return kind === 'envelopes' ? this.subject.length : this.attachments.length
  }

  /** Reads what is not read yet. */
  async load(kind: FactKind, { store, account }: { store: Store; account: AccountId }): Promise<void> {
    const under = this.#reading.get(kind)
    if (under !== undefined) return under
    const reading = this.#load(kind, { store, account }).finally(() => this.#reading.delete(kind))
    this.#reading.set(kind, reading)
    return reading
  }

  async #load(kind: FactKind, { store, account }: { store: Store; account: AccountId }): Promise<void> {
    const { emails } = this.#index
    while (this.#length(kind) < emails.length) {
      const from = this.#length(kind)
      const length = Math.min(atOnce, emails.length - from)
      const ids = Array.from({ length }, (_, index) => (emails.array[from + index] ?? 0) as EmailId)
      const structures = new Map<number, string>()
      for await (const texts of store.emailTexts({ account, emails: ids })) {
        for (const { email, structure } of texts) structures.set(email, structure)
      }
      for (const email of ids) {
        // One that is gone by now is dead in the index, and its facts are nobody's.
        if (kind === 'envelopes') this.#addEnvelope(structures.get(email))
        else this.#addAttachments(structures.get(email))
      }
    }
  }

  #addEnvelope(structure: string | undefined): void {
    const envelope = structure === undefined ? null : decodeEnvelope(structure)
    const [from, to] = [firstName(envelope?.from ?? null), firstName(envelope?.to ?? null)]
    // RFC 8621 §4.4.2: "the base subject of the message, as defined in Section 2.1 of [RFC5256]".
    const subject = baseSubject(envelope?.subject ?? '').text
    const date = envelope?.date
    const sent = date === null || date === undefined ? undefined : tryDate(date)
    this.from.push(from)
    this.to.push(to)
    this.subject.push(subject)
    this.sentAt.push(sent?.time ?? -Infinity)
    this.#textLength += from.length + to.length + subject.length
  }

  #addAttachments(structure: string | undefined): void {
    const has = structure !== undefined && flatBody(bodyStructure(decodeRoot(structure))).hasAttachment
    this.attachments.push(has ? 1 : 0)
  }

  /** All emails in the order of a property that never changes; what it is made of must be loaded. */
  order(property: string, collation?: string): Ranked {
    return property === 'from' || property === 'to' || property === 'subject'
      ? this.#textOrder(property, collation)
      : this.#numberOrder(property)
  }

  #textOrder(property: 'from' | 'to' | 'subject', collation: string | undefined): Ranked {
    const { keyOf, compare } = textOrder(collation)
    const name = `${property} ${collation ?? ''}`
    const order = this.#textOrders.get(name) ?? new SlotOrder(compare)
    this.#textOrders.set(name, order)
    const keys = new Map<string, string>()
    order.extend(this.#index.emails.length, {
      ids: this.#index.emails.array,
      keyOf: (slot) => {
        const text = this[property][slot] ?? ''
        const key = keys.get(text) ?? keyOf(text)
        keys.set(text, key)
        return key
      },
    })
    return order
  }

  #numberOrder(property: string): Ranked {
    // Infinities are among them: no difference.
    const order =
      this.#numberOrders.get(property) ?? new SlotOrder<number>((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    this.#numberOrders.set(property, order)
    const { emails, sizes, receivedAt } = this.#index
    order.extend(emails.length, {
      ids: emails.array,
      keyOf: (slot) => {
        if (property === 'size') return sizes.array[slot] ?? 0
        return (property === 'sentAt' ? this.sentAt : receivedAt).array[slot] ?? 0
      },
    })
    return order
  }
}

/** RFC 8621 §4.4.2: the name, "or if null/empty, the "email" property of the *first* EmailAddress". */
function firstName(addresses: readonly EnvelopeAddress[] | null): string {
  const first = addresses?.find(({ host }) => host !== null)
  if (first === undefined) return ''
  const { name, email } = emailAddress(first)
  return typeof name === 'string' ? name : typeof email === 'string' ? email : ''
}
