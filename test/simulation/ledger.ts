// What was promised and what became of it. Every message that a Posthorn answered for must end as delivered, as bounced with a
// report to its sender, or still stand in a queue with a reason; never lost, never twice but where the outcome was unknown.
import type { House } from './house.ts'
import type { World } from './world.ts'

/** One promise: a message that a house took, for one recipient. */
export interface Promised {
  readonly marker: string
  readonly sender: string
  readonly recipient: string
  readonly at: number
}

/** What can be found of it at the end. */
export interface Fate {
  readonly promised: Promised
  /** Copies in mailboxes and at hosts that said 250. */
  readonly copies: number
  /** Copies at hosts that never said so. */
  readonly silent: number
  /** Reports of failure in the sender's mailbox. */
  readonly bounces: number
  readonly delays: number
  readonly queued: number
  /** When the first copy came. */
  readonly firstAt: number | null
}

export class Ledger {
  readonly promises: Promised[] = []

  promise(promised: Promised): void {
    this.promises.push(promised)
  }

  async fates(world: World): Promise<Fate[]> {
    const found = new Evidence()
    for (const house of world.houses) await found.search(house)
    for (const peer of world.peers) {
      for (const { content, recipient, promised, at } of peer.kept)
        found.copy({ content, recipient, promised, at })
    }
    return this.promises.map((promised) => found.fateOf(promised))
  }
}

interface Copies {
  told: number
  silent: number
  firstAt: number | null
}

class Evidence {
  readonly #copies = new Map<string, Copies>()
  readonly #reports = new Map<string, number>()
  readonly #queued = new Map<string, number>()

  async search(house: House): Promise<void> {
    for (const { account, text } of await house.filed()) {
      const marker = markerIn(text)
      if (marker === undefined) continue
      if (/^Content-Type: multipart\/report/im.test(text)) this.#report(marker, text)
      else this.copy({ content: text, recipient: account, promised: true, at: null })
    }
    for (const message of await house.queued()) {
      for (const { address, reason, state } of message.recipients) {
        if (state === 'settled') continue
        count(this.#queued, `${message.messageId ?? ''} ${address}`)
        if (state === 'held' && reason === '') throw new Error(`${message.name} is held without a reason`)
      }
    }
  }

  copy(copy: { content: string; recipient: string; promised: boolean; at: number | null }): void {
    const marker = markerIn(copy.content)
    if (marker === undefined || /^Content-Type: multipart\/report/im.test(copy.content)) return
    const key = `${marker} ${copy.recipient}`
    const copies = this.#copies.get(key) ?? { told: 0, silent: 0, firstAt: null }
    if (copy.promised) copies.told++
    else copies.silent++
    copies.firstAt ??= copy.at
    this.#copies.set(key, copies)
  }

  /** RFC 3464 §2.3: a group of fields for each recipient. */
  #report(marker: string, text: string): void {
    for (const group of text.split(/\r\n\r\n/)) {
      const recipient = /^Final-Recipient: [^;]+;\s*(\S+)/im.exec(group)?.[1]
      const action = /^Action: (\S+)/im.exec(group)?.[1]
      if (recipient !== undefined && action !== undefined)
        count(this.#reports, `${action} ${marker} ${recipient}`)
    }
  }

  fateOf(promised: Promised): Fate {
    const { marker, recipient } = promised
    const copies = this.#copies.get(`${marker} ${recipient}`)
    return {
      promised,
      copies: copies?.told ?? 0,
      silent: copies?.silent ?? 0,
      bounces: this.#reports.get(`failed ${marker} ${recipient}`) ?? 0,
      delays: this.#reports.get(`delayed ${marker} ${recipient}`) ?? 0,
      queued: this.#queued.get(`${marker}@marker.test ${recipient}`) ?? 0,
      firstAt: copies?.firstAt ?? null,
    }
  }
}

/** The text that carries a marker: its Message-ID is `<marker@marker.test>`. */
export function markedText(options: { marker: string; from: string; to: readonly string[] }): string {
  const { marker, from, to } = options
  return `From: <${from}>\r\nTo: ${to.map((one) => `<${one}>`).join(', ')}\r\nSubject: ${marker}\r\nMessage-ID: <${marker}@marker.test>\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\nHello.\r\n.one dot\r\n`
}

function markerIn(text: string): string | undefined {
  return /^Message-ID: <([^@>]+)@marker\.test>/im.exec(text)?.[1]
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** Says what is wrong with a fate, or nothing. */
export function complaintAbout(fate: Fate): string | undefined {
  const { copies, silent, bounces, queued } = fate
  const ends = Math.min(1, copies + silent) + Math.min(1, bounces) + Math.min(1, queued)
  if (ends === 0) return 'lost'
  if (bounces > 1) return `bounced ${bounces} times`
  // RFC 1047: where the outcome was unknown there may be a copy, a second one, and a report of failure too.
  if (silent > 0) return undefined
  if (copies > 1) return `delivered ${copies} times`
  if (copies > 0 && bounces > 0) return 'delivered and bounced'
  return undefined
}
