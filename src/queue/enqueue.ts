// What goes into the queue for a message that has just arrived: a row for each recipient elsewhere, with the return path, the
// options and the first moment that are its own; and rows that are settled already, for reports of success that are due.
//
// Pure: the caller has looked up who is suppressed and which domains are ours. The rules of RFC 3461 §5.2 for aliases and
// lists are all here. A message without a sender (null reverse-path) never gets one, and never causes a report.
import { type Address, addressKey, formatAddress, formatAddressAscii, tryAddress } from '../mail/address.ts'
import {
  type MessageOptions,
  plainRecipientOptions,
  type RecipientOptions,
} from '../mail/delivery-options.ts'
import { type ReturnPathKey, trySrsForward } from '../mail/srs.ts'
import { tryVerp } from '../mail/verp.ts'
import type { AccountId } from '../store/model.ts'
import type { NewQueueMessage, NewQueueRecipient, QueueOrigin, ReportKind } from '../store/queue.ts'
import type { FairTurns } from './fairness.ts'

/** An address at another host. */
export interface OutgoingRecipient {
  readonly address: Address
  /** The address of ours that led there; null where the sender named it himself. */
  readonly via: string | null
  /** Set for a member of a list. */
  readonly list: { readonly owner: string } | null
  readonly options?: RecipientOptions
  /** As the sender named it; absent: `via`, or the address. */
  readonly named?: string
}

/** A mailbox of ours that the message goes into by the same commit, or that it is kept from. */
export interface FiledRecipient {
  readonly address: string
  readonly options?: RecipientOptions
  /** As the sender named it; absent: the address. */
  readonly named?: string
  /** Set for a member of a list. */
  readonly list?: { readonly owner: string }
}

/** A recipient whose mail ends here before it began: what the sender is told of it. */
export interface RefusedRecipient extends FiledRecipient {
  readonly status: string
  readonly reply: string
}

export interface EnqueuePolicy {
  /** Milliseconds. */
  readonly expireAfter: number
  /** 0: never. */
  readonly delayAfter: number
  readonly srs: 'forwarded' | 'never'
  readonly separator: string
  readonly key: ReturnPathKey
}

export interface EnqueueRequest {
  readonly name: string
  readonly origin: QueueOrigin
  readonly account: AccountId | null
  readonly sender: string
  readonly reversePath: Address | null
  readonly prefix: string
  readonly messageId: string | null
  readonly options: MessageOptions
  readonly arrivedAt: number
  readonly remote: readonly OutgoingRecipient[]
  readonly filed: readonly FiledRecipient[]
  readonly refused?: readonly RefusedRecipient[]
  /** Hold everything for an operator: why. */
  readonly quarantine: string | null
  /** Reasons by the key that `suppressionKeys` gives. */
  readonly suppressed: ReadonlyMap<string, string>
  /** Whether the reverse-path's domain is ours: then no SRS. */
  readonly senderIsOurs: boolean
}

/** Under which names a recipient may stand on the suppression list: himself, or as a member of that list alone. */
export function suppressionKeys(recipient: OutgoingRecipient): readonly string[] {
  const key = addressKey(recipient.address)
  return recipient.list === null ? [key] : [key, memberKey(recipient.list.owner, key)]
}

/** A member of one list on the suppression list. */
export function memberKey(owner: string, member: string): string {
  const address = tryAddress(owner, { utf8: true })
  return `${member} of ${address === undefined ? owner.toLowerCase() : addressKey(address)}`
}

/** Undefined where there is nothing to queue. */
export function buildQueueMessage(
  request: EnqueueRequest,
  policy: EnqueuePolicy,
  turns: FairTurns,
): NewQueueMessage | undefined {
  const due = Math.max(request.arrivedAt, request.options.holdUntil ?? 0)
  const builder = new RowBuilder(request, policy, { turns, due })
  for (const recipient of request.remote) builder.addRemote(recipient)
  for (const recipient of request.filed) builder.addFiled(recipient)
  for (const recipient of request.refused ?? []) builder.addRefused(recipient)
  builder.addExpanded()
  if (builder.rows.length === 0) return undefined
  const { deliverBy } = request.options
  const expiry = due + policy.expireAfter
  const late = policy.delayAfter === 0 ? null : due + policy.delayAfter
  const { name, origin, account, sender, prefix, messageId, options, arrivedAt } = request
  return {
    ...{ name, origin, account, sender, prefix, messageId, options, arrivedAt },
    reversePath: request.reversePath === null ? '' : formatAddress(request.reversePath),
    // RFC 2852 §4.1.3: by-mode R gives up at its time, N tells of the delay at its time and goes on.
    expiresAt: deliverBy?.mode === 'return' ? Math.min(expiry, deliverBy.at) : expiry,
    delayReportAt: deliverBy?.mode === 'notify' ? Math.min(late ?? Infinity, deliverBy.at) : late,
    recipients: builder.rows,
  }
}

class RowBuilder {
  readonly rows: NewQueueRecipient[] = []
  readonly #request: EnqueueRequest
  readonly #policy: EnqueuePolicy
  readonly #turns: FairTurns
  readonly #due: number
  /** What each recipient that the sender named led to, here and elsewhere. */
  readonly #named = new Map<string, { targets: number; members: number }>()
  /** Lists and aliases of which the sender wants to hear, once each. */
  readonly #expanded = new Map<string, { options: RecipientOptions; outcome: 'delivered' | 'expanded' }>()

  constructor(request: EnqueueRequest, policy: EnqueuePolicy, state: { turns: FairTurns; due: number }) {
    this.#request = request
    this.#policy = policy
    this.#turns = state.turns
    this.#due = state.due
    for (const recipient of request.remote) this.#count(nameOf(recipient), recipient.list)
    for (const { named, address, list } of request.filed) this.#count(named ?? address, list ?? null)
  }

  addRemote(recipient: OutgoingRecipient): void {
    const { address } = recipient
    const options = this.#optionsOf(recipient)
    this.#add({
      address: formatAddress(address),
      domain: address.domain ?? address.literal ?? '',
      reversePath: this.#reversePathOf(recipient),
      options,
      state: this.#stateOf(recipient, options),
    })
  }

  addFiled({ address, named = address, list, ...recipient }: FiledRecipient): void {
    const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
    const { quarantine, arrivedAt, reversePath } = this.#request
    const given = recipient.options ?? plainRecipientOptions
    const options =
      list === undefined ? this.#aliased(given, { named, address }) : this.#redistributed(given, named)
    if (quarantine !== null || this.#due > arrivedAt) {
      const held = quarantine !== null && ({ type: 'held', reason: quarantine } as const)
      const state = held || ({ type: 'waiting' } as const)
      // RFC 5321 §3.9.2: what becomes of a member's copy is the business of whoever looks after the list.
      const own = list === undefined || reversePath === null ? null : list.owner
      this.#add({ address, domain, reversePath: own, options: { ...options, local: true }, state })
    } else if (wants(options, 'success') && reversePath !== null) {
      // RFC 3461 §5.2.3 (a): asked for SUCCESS, a "delivered" report must be made.
      this.#addDone(address, options, 'delivered')
    }
  }

  /** As if its host had refused it: a row with its attempt, and the report that its sender wants. */
  addRefused({ address, status, reply, list, options = plainRecipientOptions }: RefusedRecipient): void {
    const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
    const sender = this.#request.reversePath
    const report = list === undefined ? reportOf(options, 'failure', sender !== null) : null
    const state = { type: 'settled', outcome: 'failed', status, reply, report } as const
    this.#add({ address, domain, reversePath: null, options, state })
  }

  addExpanded(): void {
    for (const [address, { options, outcome }] of this.#expanded) this.#addDone(address, options, outcome)
  }

  #addDone(address: string, options: RecipientOptions, outcome: 'delivered' | 'expanded'): void {
    const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
    const reply = outcome === 'delivered' ? 'delivered' : 'passed on to the addresses behind this one'
    const state = { type: 'settled', outcome, status: '2.0.0', reply, report: 'success' } as const
    this.#add({ address, domain, reversePath: null, options, state })
  }

  #add(row: Omit<NewQueueRecipient, 'nextAttempt' | 'turn'>): void {
    const { sender, options, arrivedAt } = this.#request
    const turn =
      row.state.type === 'settled'
        ? arrivedAt
        : this.#turns.next({ domain: row.domain, priority: options.priority, sender, now: arrivedAt })
    this.rows.push({ ...row, nextAttempt: this.#due, turn })
  }

  #stateOf(recipient: OutgoingRecipient, options: RecipientOptions): NewQueueRecipient['state'] {
    const { quarantine, suppressed, reversePath } = this.#request
    const reason = suppressionKeys(recipient)
      .map((key) => suppressed.get(key))
      .find(Boolean)
    if (reason === undefined) {
      return quarantine === null ? { type: 'waiting' } : { type: 'held', reason: quarantine }
    }
    const reply = `the address is on the suppression list: ${reason}`
    // A list's owner knows already: his list left the member out by its own rule.
    if (recipient.list !== null) {
      return { type: 'settled', outcome: 'discarded', status: '5.7.1', reply, report: null }
    }
    const report = reportOf(options, 'failure', reversePath !== null)
    return { type: 'settled', outcome: 'failed', status: '5.7.1', reply, report }
  }

  #optionsOf(recipient: OutgoingRecipient): RecipientOptions {
    const { options = plainRecipientOptions, via, list, address } = recipient
    const named = nameOf(recipient)
    if (list !== null) {
      const originalRecipient = originalRecipientOf(address)
      return {
        ...this.#redistributed(options, named),
        originalRecipient,
        ...(via !== null && { passedOnBy: via }),
      }
    }
    if (via === null) return options
    return { ...this.#aliased(options, { named, address: formatAddress(address) }), passedOnBy: via }
  }

  #count(named: string, list: { readonly owner: string } | null): void {
    const { targets, members } = this.#named.get(named) ?? { targets: 0, members: 0 }
    this.#named.set(named, { targets: targets + 1, members: members + (list === null ? 0 : 1) })
  }

  /** RFC 3461 §5.2.7.1: reaching the list is final delivery, and nothing of what was asked for goes on to the members. */
  #redistributed(options: RecipientOptions, named: string): RecipientOptions {
    const { targets, members } = this.#named.get(named) ?? { targets: 1, members: 1 }
    this.#expand(named, options, members === targets ? 'delivered' : 'expanded')
    return { ...plainRecipientOptions, notify: ['failure'], redistributed: true }
  }

  #aliased(
    options: RecipientOptions,
    { named, address }: { named: string; address: string },
  ): RecipientOptions {
    if (named.toLowerCase() === address.toLowerCase()) return options
    const name = tryAddress(named, { utf8: true })
    // RFC 3461 §5.2.1 (d): an ORCPT that is added must be the address that the message came for.
    const originalRecipient =
      options.originalRecipient ?? (name === undefined ? null : originalRecipientOf(name))
    // RFC 3461 §5.2.7.2: one address behind the alias, and everything goes on with the message.
    if ((this.#named.get(named)?.targets ?? 1) <= 1) return { ...options, originalRecipient }
    // RFC 3461 §5.2.7.3 (c): several, and SUCCESS is answered here by "expanded".
    this.#expand(named, options, 'expanded')
    const notify = options.notify?.filter((on) => on !== 'success') ?? null
    return { ...options, notify, originalRecipient }
  }

  #expand(named: string, options: RecipientOptions, outcome: 'delivered' | 'expanded'): void {
    if (this.#request.reversePath === null || !wants(options, 'success')) return
    this.#expanded.set(named, { options, outcome })
  }

  #reversePathOf(recipient: OutgoingRecipient): string | null {
    const { reversePath, arrivedAt, senderIsOurs } = this.#request
    const { key, separator, srs } = this.#policy
    if (reversePath === null || recipient.via === null) return null
    if (recipient.list !== null) {
      // RFC 5321 §3.9.2: a list's mail leaves under the address of whoever looks after the list.
      const owner = tryAddress(recipient.list.owner, { utf8: true })
      if (owner === undefined) return recipient.list.owner
      return tryVerp(owner, recipient.address, { key, separator }) ?? formatAddress(owner)
    }
    if (senderIsOurs || srs === 'never') return null
    const via = tryAddress(recipient.via, { utf8: true })
    if (via === undefined || via.domain === null) return null
    return trySrsForward(reversePath, { domain: via.domain, now: arrivedAt, key }) ?? null
  }
}

/** What the sender calls it. */
function nameOf({ named, via, address }: OutgoingRecipient): string {
  return named ?? via ?? formatAddress(address)
}

/** Which report a recipient's end makes due: none where it was not asked for, or where there is nobody to send it to. */
export function reportOf(options: RecipientOptions, kind: ReportKind, hasSender: boolean): ReportKind | null {
  return hasSender && wants(options, kind) ? kind : null
}

/** RFC 3461 §5.2: without NOTIFY, failures and delays are told, success is not. */
export function wants(options: RecipientOptions, kind: ReportKind): boolean {
  return options.notify === null ? kind !== 'success' : options.notify.includes(kind)
}

/** RFC 3461 §4.2, RFC 6533 §3: `type;address`. */
function originalRecipientOf(address: Address): string {
  return address.utf8 ? `utf-8;${formatAddress(address)}` : `rfc822;${formatAddressAscii(address)}`
}
