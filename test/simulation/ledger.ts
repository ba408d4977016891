// What was promised and what became of it. Every message that a Posthorn answered for must end as delivered, as bounced with a
// report to its sender, or still stand in a queue with a reason; never lost, never twice but where the outcome was unknown
// (RFC 1047), and only as often as an attempt says that it was.
import type { MessageOptions, NotifyOn } from '../../src/mail/delivery-options.ts'
import type { House } from './house.ts'
import type { Kept } from './peer.ts'
import { admits } from './place.ts'
import type { World } from './world.ts'

/** One promise: a message that a house took, for one recipient. */
export interface Promised {
  readonly marker: string
  readonly author: string
  /** Who gets the reports about the recipient: the author, or the owner of the list. */
  readonly sender: string
  readonly recipient: string
  /** The alias or list that the sender wrote to; null where he named the recipient himself. */
  readonly via: { readonly address: string; readonly list: boolean } | null
  readonly at: number
  readonly options: Partial<MessageOptions>
  readonly notify: readonly NotifyOn[] | null
}

/** What can be found of it at the end. */
export interface Fate {
  readonly promised: Promised
  /** In mailboxes. */
  readonly filed: number
  readonly kept: readonly Kept[]
  /** Groups of reports about it in the sender's mailbox, by their action. */
  readonly failed: number
  readonly delayed: number
  readonly succeeded: number
  /** Whoever else got a report about it. */
  readonly strangers: readonly string[]
  /** Its rows in all queues: how they stand, and how many attempts had an outcome that nobody knows. */
  readonly waiting: number
  readonly givenUp: number
  readonly unknown: number
  readonly suppressed: boolean
}

export class Ledger {
  readonly promises: Promised[] = []

  promise(promised: Promised): void {
    this.promises.push(promised)
  }

  async fates(world: World): Promise<Fate[]> {
    const found = new Evidence()
    for (const house of world.houses) await found.search(house)
    for (const peer of world.peers) for (const kept of peer.kept) found.kept(kept)
    const fates: Fate[] = []
    for (const promised of this.promises) {
      const suppressed = await isSuppressed(promised, world)
      fates.push({ ...found.fateOf(promised), suppressed })
    }
    return fates
  }
}

async function isSuppressed({ via, recipient }: Promised, world: World): Promise<boolean> {
  if (via?.list !== true) return false
  const all = await Promise.all(world.houses.map((house) => house.isSuppressed(recipient)))
  return all.includes(true)
}

class Evidence {
  readonly #read = new Set<string>()
  readonly #filed = new Map<string, number>()
  readonly #kept = new Map<string, Kept[]>()
  /** By marker and recipient: whom what was told. */
  readonly #reports = new Map<string, { account: string; action: string }[]>()
  readonly #rows = new Map<string, { waiting: number; givenUp: number; unknown: number }>()

  async search(house: House): Promise<void> {
    for (const { account, text } of await house.filed()) {
      const marker = markerIn(text)
      if (marker === undefined) continue
      if (isReport(text)) this.#report(marker, text, account)
      else this.#filed.set(`${marker} ${account}`, (this.#filed.get(`${marker} ${account}`) ?? 0) + 1)
    }
    for (const { message, recipients, attempts } of await house.queued()) {
      const marker = /^<?([^@>]+)@marker\.test>?$/.exec(message.messageId ?? '')?.[1]
      if (marker === undefined) continue
      for (const { number, address, state, outcome, reason } of recipients) {
        if (state === 'held' && reason === '') throw new Error(`${message.name} is held without a reason`)
        const key = `${marker} ${address}`
        const row = this.#rows.get(key) ?? { waiting: 0, givenUp: 0, unknown: 0 }
        if (state !== 'settled') row.waiting++
        if (outcome === 'failed' || outcome === 'expired') row.givenUp++
        row.unknown += attempts.filter(
          (one) => one.number === number && one.attempt.outcome === 'unknown',
        ).length
        this.#rows.set(key, row)
      }
    }
  }

  kept(kept: Kept): void {
    const marker = markerIn(kept.content)
    if (marker === undefined || isReport(kept.content)) return
    const key = `${marker} ${kept.recipient}`
    this.#kept.set(key, [...(this.#kept.get(key) ?? []), kept])
  }

  /** RFC 3464 §2.3: a group of fields for each recipient. */
  #report(marker: string, text: string, account: string): void {
    // A report whose own delivery had an unknown outcome may come twice, and is one all the same.
    const id = /^Message-ID: (\S+)/im.exec(text)?.[1] ?? ''
    if (this.#read.has(`${account} ${id}`)) return
    this.#read.add(`${account} ${id}`)
    for (const group of text.split(/\r\n\r\n/)) {
      const recipient = /^Final-Recipient: [^;]+;\s*(\S+)/im.exec(group)?.[1]
      const action = /^Action: (\S+)/im.exec(group)?.[1]
      if (recipient === undefined || action === undefined) continue
      const key = `${marker} ${recipient}`
      this.#reports.set(key, [...(this.#reports.get(key) ?? []), { account, action }])
    }
  }

  fateOf(promised: Promised): Omit<Fate, 'suppressed'> {
    const { marker, recipient, via, sender, author } = promised
    const keys = [recipient, ...(via === null ? [] : [via.address])].map((address) => `${marker} ${address}`)
    // What becomes of the message before the list is the author's to know, its members' troubles are the owner's.
    const reports = keys.flatMap((key, index) =>
      (this.#reports.get(key) ?? []).map((one) => ({
        ...one,
        rightly: one.account === [sender, author][index],
      })),
    )
    const rows = keys.flatMap((key) => this.#rows.get(key) ?? [])
    const told = (...actions: string[]): number =>
      reports.filter(({ rightly, action }) => rightly && actions.includes(action)).length
    const sum = (field: 'waiting' | 'givenUp' | 'unknown'): number =>
      rows.reduce((all, row) => all + row[field], 0)
    return {
      promised,
      filed: this.#filed.get(keys[0] ?? '') ?? 0,
      kept: this.#kept.get(keys[0] ?? '') ?? [],
      failed: told('failed'),
      delayed: told('delayed'),
      succeeded: told('delivered', 'relayed'),
      strangers: reports.filter(({ rightly }) => !rightly).map(({ account }) => account),
      ...{ waiting: sum('waiting'), givenUp: sum('givenUp'), unknown: sum('unknown') },
    }
  }
}

/** The text that carries a marker: its Message-ID is `<marker@marker.test>`. */
export function markedText(options: {
  marker: string
  from: string
  to: readonly string[]
  header?: string
}): string {
  const { marker, from, to, header = '' } = options
  return `From: <${from}>\r\nTo: ${to.map((one) => `<${one}>`).join(', ')}\r\nSubject: ${marker}\r\nMessage-ID: <${marker}@marker.test>\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n${header}\r\nHello.\r\n.one dot\r\n`
}

export function markerIn(text: string): string | undefined {
  return /^Message-ID: <([^@>]+)@marker\.test>/im.exec(text)?.[1]
}

export function isReport(text: string): boolean {
  return /^Content-Type: multipart\/report/im.test(text)
}

/** What is wrong with a fate. */
export function complaintsAbout(fate: Fate, world: World): string[] {
  return [
    ...endings(fate),
    ...tooMuch(fate),
    ...betrayals(fate, world),
    ...times(fate),
    ...doubts(fate, world),
  ]
}

function endings({ promised, filed, kept, failed, waiting, givenUp, suppressed }: Fate): string[] {
  if (filed + kept.length + failed + waiting > 0 || suppressed) return []
  const silent = promised.notify !== null && !promised.notify.includes('failure')
  return silent && givenUp > 0 ? [] : ['lost']
}

function tooMuch({ promised, filed, kept, failed, delayed, succeeded, unknown, strangers }: Fate): string[] {
  const { notify } = promised
  const complaints: string[] = []
  const copies = filed + kept.length
  if (copies > 1 + unknown) complaints.push(`delivered ${copies} times, ${unknown} outcomes unknown`)
  if (failed > 1 + unknown) complaints.push(`bounced ${failed} times`)
  if (copies > 0 && failed > 0 && unknown === 0) complaints.push('delivered and bounced')
  if (delayed > 1 + unknown) complaints.push(`late ${delayed} times`)
  if (succeeded > 1 + unknown) complaints.push(`success told ${succeeded} times`)
  if (strangers.length > 0) complaints.push(`report to ${strangers.join(' and ')}`)
  const unwanted =
    notify !== null &&
    ((!notify.includes('failure') && failed > 0) ||
      (!notify.includes('delay') && delayed > 0) ||
      (!notify.includes('success') && succeeded > 0))
  if (unwanted) complaints.push(`reports that nobody wants: ${failed} ${delayed} ${succeeded}`)
  return complaints
}

/** Mail that came where, or as, its sender or the domain's owner forbade it. */
function betrayals({ promised, kept, filed, succeeded }: Fate, world: World): string[] {
  const { options, recipient, notify, via } = promised
  const peer = world.peerOf(recipient)
  const complaints: string[] = []
  const hears = peer?.personality.extensions?.includes('DSN') === true
  if (via === null && notify?.includes('success') && kept.length + filed > 0 && succeeded === 0 && !hears) {
    complaints.push('nobody was told of the success')
  }
  if (peer === undefined) return complaints
  const allowed = options.tlsOptional ? 'all' : admits(peer.place)
  for (const { secured } of kept) {
    if (allowed === 'nothing') complaints.push(`came in spite of its policy ${peer.place.policy}`)
    if (allowed === 'tls alone' && !secured) complaints.push('came in the clear')
    if (options.requireTls && !(secured && peer.place.requireTls === 'offered')) {
      complaints.push('came without the TLS that it requires')
    }
  }
  return complaints
}

const breaksOff = ['silent after the dot', 'drops anywhere', 'hangs sometimes']

/** An outcome is unknown where a host broke off, or a house died, and nowhere else. */
function doubts({ promised, unknown }: Fate, world: World): string[] {
  const name = world.peerOf(promised.recipient)?.personality.name ?? 'honest'
  const died = world.houses.some(({ deaths }) => deaths.length > 0)
  return unknown > 0 && !died && !breaksOff.includes(name) ? ['an outcome unknown without cause'] : []
}

/** What is past its time is looked for once an hour here. */
const slack = 2 * 3_600_000

function times({ promised, kept }: Fate): string[] {
  const { holdUntil = null, deliverBy = null } = promised.options
  const complaints: string[] = []
  for (const { at } of kept) {
    if (holdUntil !== null && at < holdUntil) complaints.push('came before its time')
    if (deliverBy?.mode === 'return' && at > deliverBy.at + slack) complaints.push('came after its time')
  }
  return complaints
}
