// One SMTP session as the catcher sees it: who it is, the envelope of the message under way, the dialogue, and what chaos has decided
// for the core to do next.
import type { Peer, TlsState } from '../base/core.ts'
import type { ChaosStage } from '../config/sections/catcher.ts'
import { formatAddress } from '../mail/address.ts'
import type { Recipient, Sender } from '../smtp/proto/questions.ts'
import { Dialogue, type DialogueLimits } from './dialogue.ts'
import type { CaughtEnvelope, CaughtRecord, CaughtSession, Refusal } from './message.ts'
import type { Row } from './row.ts'

/** What was answered to a question, for the record. */
export interface Rebuff {
  readonly stage: ChaosStage
  readonly reply: string
  /** '' where it was the server itself. */
  readonly rule: string
}

export class WatchedSession {
  readonly id: string
  readonly peer: Peer
  readonly dialogue: Dialogue
  readonly startedAt: number
  tls: TlsState | null = null
  helo = ''
  extended = false
  username = ''
  mechanism = ''
  /** What the core shall do instead of its own next outputs. */
  cut: 'none' | 'close' | 'tls-close' | 'tls-garbage' = 'none'
  #rebuff: (Rebuff & { readonly envelope: CaughtEnvelope }) | null = null
  /** The question to the end of a message is open. */
  ending = false
  #sender: Sender | null = null
  #recipients: Recipient[] = []
  #caught: Row | null = null
  /** Octets of the message under way. */
  octets = 0

  constructor(options: { id: string; peer: Peer; limits: DialogueLimits; now: () => number }) {
    const { id, peer, limits, now } = options
    this.id = id
    this.peer = peer
    this.startedAt = now()
    this.dialogue = new Dialogue(limits, now)
  }

  begin(sender: Sender): void {
    this.#sender = sender
    this.#recipients = []
    this.octets = 0
  }

  accept(recipient: Recipient): void {
    this.#recipients.push(recipient)
  }

  reset(): void {
    this.#sender = null
    this.#recipients = []
    this.octets = 0
  }

  /** Something is refused; told once the client hears of it. */
  rebuff(rebuff: Rebuff): void {
    this.#rebuff = { ...rebuff, envelope: this.envelope }
  }

  get isRebuffed(): boolean {
    return this.#rebuff !== null
  }

  caught(row: Row): void {
    this.#caught = row
  }

  /** The message that the transaction which is over now became, once. */
  takeCaught(): Row | null {
    const row = this.#caught
    this.#caught = null
    return row
  }

  get reversePath(): string | null {
    return this.#sender === null ? null : pathOf(this.#sender)
  }

  get recipients(): readonly string[] {
    return this.#recipients.map(recipientText)
  }

  get envelope(): CaughtEnvelope {
    const sender = this.#sender
    return {
      reversePath: sender === null ? '' : pathOf(sender),
      parameters: sender === null ? [] : parametersOf(sender),
      recipients: this.#recipients.map((one) => ({ address: recipientText(one), parameters: [] })),
    }
  }

  get facts(): CaughtSession {
    const { id, startedAt, helo, extended, username, mechanism, tls, peer } = this
    return {
      ...{ id, startedAt, helo, extended, username, mechanism, service: 'smtp' },
      ...{ remoteAddress: peer.remoteAddress, remotePort: peer.remotePort },
      tls: tls && { version: tls.version, cipher: tls.cipher, serverName: tls.serverName },
    }
  }

  get record(): CaughtRecord {
    const { envelope, facts: session, dialogue } = this
    return { envelope, session, transcript: dialogue.lines, truncated: dialogue.truncated }
  }

  /** What was refused last, once. */
  takeRefusal(id: string, at: number): Refusal | null {
    const rebuff = this.#rebuff
    this.#rebuff = null
    return rebuff && { ...rebuff, id, at, session: this.facts, transcript: this.dialogue.lines }
  }
}

function pathOf({ reversePath }: Sender): string {
  return reversePath === null ? '' : formatAddress(reversePath)
}

export function recipientText({ address }: Recipient): string {
  return address === null ? 'postmaster' : formatAddress(address)
}

/** As the client wrote them, as far as the catcher offers their extensions. */
function parametersOf({ size, body, smtpUtf8 }: Sender): string[] {
  const parameters: string[] = []
  if (size !== null) parameters.push(`SIZE=${size}`)
  if (body !== '7BIT') parameters.push(`BODY=${body}`)
  if (smtpUtf8) parameters.push('SMTPUTF8')
  return parameters
}
