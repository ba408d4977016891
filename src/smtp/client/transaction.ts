// One mail transaction: MAIL, RCPT for each, the content, and what became of each recipient (RFC 5321 §3.3).
//
// - With PIPELINING, MAIL, RCPT… and DATA are one group. With CHUNKING, MAIL and RCPT… are one group and BDAT follows their
//   replies, or, where that is worth its risk (`eagerChunks`), all of it is one group (RFC 3030 §4.2).
// - The turn is released when the content is written, so that the next message's group is right behind it. Never is there content
//   of two messages under way at once: a connection that breaks leaves one outcome unknown at most.
// - A message is complete at the server only by the final dot or the last chunk's last octet. Whatever is wrong on our side
//   (content too short, a bare newline) is found before that, and ends the connection instead.
import { Buffer } from 'node:buffer'
import type { Channel } from './channel.ts'
import { type MailCommand, mailCommand, needsSmtpUtf8, rcptCommand } from './commands.ts'
import { LineEndings } from './content.ts'
import type { DeliveryOutcome, OutgoingMessage, OutgoingRecipient, TransactionResult } from './outgoing.ts'
import { limitRecipients } from './recipient-limits.ts'
import { isPositive, isRefusal, type ServerReply } from './reply.ts'
import type { ContentExpectation, Heard } from './wire.ts'

/** Runs it when its turn comes. Rejects for an address that cannot stand in a command, before anything is said. */
export function transact(channel: Channel, message: OutgoingMessage): Promise<TransactionResult> {
  return new Transaction(channel, message).run()
}

/** Content that is held whole. */
type Prefetched =
  | {
      readonly type: 'whole'
      readonly bytes: Buffer
      /** The same for DATA: stuffed, without the dot at the end. */
      readonly pieces: readonly Uint8Array[]
      /** After all of them. */
      readonly endings: LineEndings
    }
  | { readonly type: 'failed'; readonly error: unknown }

type Fault = Extract<DeliveryOutcome, { type: 'cannot-carry' | 'content-failed' }>

/** A CR or LF alone was found, or the source failed: thrown inside this file alone. */
class ContentFault extends Error {
  readonly fault: Fault

  constructor(fault: Fault) {
    super(fault.type)
    this.fault = fault
  }
}

class Transaction {
  readonly #channel: Channel
  readonly #message: OutgoingMessage
  /** Null for content that is too long to hold. */
  #prefetched: Prefetched | null = null
  readonly #outcomes: (DeliveryOutcome | null)[]
  /** Those whom the limits let through, by their place in the message. */
  #places: readonly number[] = []
  #mail: MailCommand = { text: '', used: [] }
  #chunked = false
  #number = 0
  #octets = 0
  /** The replies to the end of the content: one, or with LMTP one for each accepted recipient (RFC 2033 §4.2). */
  #finals: readonly ContentExpectation[] = []
  #chunkRefusal: ServerReply | null = null
  #released = false

  constructor(channel: Channel, message: OutgoingMessage) {
    this.#channel = channel
    this.#message = message
    this.#outcomes = message.recipients.map(() => null)
  }

  async run(): Promise<TransactionResult> {
    const small = this.#message.size <= this.#channel.limits.maxEagerOctets
    const fetching = small && this.#channel.wire.ending === null ? this.#prefetch() : null
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const begin = (): void => {
      this.#perform().then(resolve, reject)
    }
    this.#channel.take(() => {
      if (fetching === null || this.#prefetched !== null) begin()
      else fetching.then(begin, reject)
    })
    try {
      await promise
    } catch (error) {
      // A defect: where something was said already, the rest of the dialogue is anyone's guess.
      if (this.#number > 0) this.#channel.wire.end({ type: 'closed', stage: 'content' })
      throw error
    } finally {
      this.#release()
    }
    return this.#result()
  }

  async #prefetch(): Promise<void> {
    const { size, content } = this.#message
    try {
      const parts: Uint8Array[] = []
      let octets = 0
      for await (const part of content()) {
        parts.push(part)
        octets += part.length
        if (octets > size) break
      }
      if (octets !== size) throw wrongSize(size, octets)
      const bytes = Buffer.concat(parts)
      const endings = new LineEndings()
      const pieces = endings.stuff(bytes)
      endings.finish()
      this.#prefetched = { type: 'whole', bytes, pieces, endings }
    } catch (error) {
      this.#prefetched = { type: 'failed', error }
    }
  }

  #release(): void {
    if (this.#released) return
    this.#released = true
    this.#channel.release()
  }

  /** Fills in what is known now for all who have no outcome yet. */
  #settle(outcome: DeliveryOutcome): void {
    for (const place of this.#outcomes.keys()) this.#outcomes[place] ??= outcome
  }

  #result(): TransactionResult {
    const lost: DeliveryOutcome = {
      type: 'lost',
      ending: this.#channel.wire.ending ?? { type: 'closed', stage: 'idle' },
    }
    return {
      recipients: this.#outcomes.map((outcome) => outcome ?? lost),
      octets: this.#octets,
      used: this.#octets > 0 || this.#number > 0 ? this.#mail.used : [],
    }
  }

  // Before anything is said

  /** Why nothing of it can be said at all. */
  #obstacle(): DeliveryOutcome | null {
    const { wire, capabilities, transactions } = this.#channel
    const { options } = this.#message
    if (wire.ending !== null) return { type: 'lost', ending: wire.ending }
    if (this.#prefetched?.type === 'failed') return { type: 'content-failed', error: this.#prefetched.error }
    // RFC 9422
    const { mailMax } = capabilities.limits
    if (mailMax !== null && transactions >= mailMax) return { type: 'beyond-limit', limit: 'MAILMAX' }
    if (needsSmtpUtf8(this.#message) && !capabilities.smtpUtf8) {
      return { type: 'cannot-carry', reason: 'needs-smtputf8' }
    }
    if (options.body === 'BINARYMIME' && !capabilities.binaryMime) {
      return { type: 'cannot-carry', reason: 'needs-binarymime' }
    }
    if (this.#hasBareNewline() && !capabilities.binaryMime) {
      return { type: 'cannot-carry', reason: 'bare-newline' }
    }
    return null
  }

  /** Known beforehand of small messages alone. */
  #hasBareNewline(): boolean {
    return this.#prefetched?.type === 'whole' && this.#prefetched.endings.hasBareNewline
  }

  async #perform(): Promise<void> {
    const { capabilities, clock, wire } = this.#channel
    const limited = limitRecipients(this.#message.recipients, capabilities.limits)
    // Made before the first is said, since an address may be none.
    const binary = this.#message.options.body === 'BINARYMIME' || this.#hasBareNewline()
    const mail = mailCommand(this.#message, {
      capabilities,
      now: clock.now(),
      secured: wire.tls !== null,
      body: binary ? 'binary' : 'text',
    })
    const rcpts = limited.places.map((place) => rcptCommand(this.#recipient(place), capabilities))
    const obstacle = this.#obstacle()
    if (obstacle !== null) {
      this.#settle(obstacle)
      return
    }
    for (const [place, limit] of limited.beyond) this.#outcomes[place] = { type: 'beyond-limit', limit }
    this.#places = limited.places
    this.#mail = mail
    this.#chunked = capabilities.chunking
    this.#number = ++this.#channel.transactions
    if (capabilities.pipelining) await this.#inGroups(rcpts)
    else await this.#stepByStep(rcpts)
  }

  #recipient(place: number): OutgoingRecipient {
    const recipient = this.#message.recipients[place]
    if (recipient === undefined) throw new RangeError('no such recipient')
    return recipient
  }

  // The envelope

  #ask(text: string, stage: 'mail' | 'rcpt' | 'data'): Promise<Heard> {
    const { wire, timeouts } = this.#channel
    const answer = stage === 'data' ? 'intermediate' : 'final'
    return wire.ask({ text, stage, timeout: timeouts[stage], answer })
  }

  #askReset(): Promise<Heard> | null {
    const { wire, timeouts } = this.#channel
    if (!this.#channel.needsReset) return null
    this.#channel.needsReset = false
    return wire.ask({ text: 'RSET', stage: 'mail', timeout: timeouts.command })
  }

  /** RFC 2920 §3.1. */
  async #inGroups(rcpts: readonly string[]): Promise<void> {
    const { wire } = this.#channel
    const eager = this.#isEager()
    // A RSET that is refused shows in the reply to MAIL.
    void this.#askReset()
    const mail = this.#ask(this.#mail.text, 'mail')
    const answers = rcpts.map((text) => this.#ask(text, 'rcpt'))
    const data = this.#chunked ? null : this.#ask('DATA', 'data')
    if (eager) this.#sendWhole(1)
    else wire.flush()
    const accepted = this.#hearEnvelope(await mail, await Promise.all(answers))
    if (eager) await this.#hearFinals(accepted)
    else if (data === null) await this.#afterEnvelope(accepted)
    else await this.#afterData(await data, accepted)
  }

  /** Whether the message may go before its envelope is accepted. */
  #isEager(): boolean {
    const { dialect, eagerChunks, accepted, wire } = this.#channel
    if (!this.#chunked || dialect === 'lmtp' || this.#prefetched === null || !wire.quiet) return false
    return eagerChunks === 'always' || (eagerChunks === 'warm' && accepted > 0)
  }

  async #stepByStep(rcpts: readonly string[]): Promise<void> {
    const { wire } = this.#channel
    const reset = this.#askReset()
    wire.flush()
    await reset
    const mail = this.#ask(this.#mail.text, 'mail')
    wire.flush()
    const mailHeard = await mail
    const answers: Heard[] = []
    if (isTaken(mailHeard)) {
      for (const text of rcpts) {
        const answer = this.#ask(text, 'rcpt')
        wire.flush()
        answers.push(await answer)
      }
    }
    const accepted = this.#hearEnvelope(mailHeard, answers)
    if (this.#chunked || accepted.length === 0) {
      await this.#afterEnvelope(accepted)
      return
    }
    const data = this.#ask('DATA', 'data')
    wire.flush()
    await this.#afterData(await data, accepted)
  }

  /** Settles those who are refused; gives the places of the others. */
  #hearEnvelope(mail: Heard, answers: readonly Heard[]): number[] {
    if (!isTaken(mail)) {
      if (mail.type === 'reply') this.#settle({ type: 'refused', stage: 'mail', reply: mail })
      return []
    }
    this.#channel.needsReset = true
    const accepted: number[] = []
    for (const [index, place] of this.#places.entries()) {
      const answer = answers[index]
      if (answer === undefined) continue
      // RFC 5321 §4.1.1.3: 250, 251 or (as to VRFY) 252.
      if (isTaken(answer)) accepted.push(place)
      else if (answer.type === 'reply') {
        this.#outcomes[place] = { type: 'refused', stage: 'rcpt', reply: answer }
      }
    }
    return accepted
  }

  async #afterEnvelope(accepted: readonly number[]): Promise<void> {
    if (accepted.length > 0 && this.#channel.wire.ending === null) await this.#sendContent(accepted)
  }

  async #afterData(data: Heard, accepted: readonly number[]): Promise<void> {
    const { wire, dialect } = this.#channel
    if (data.type !== 'reply') return
    if (isRefusal(data)) {
      for (const place of accepted) this.#outcomes[place] = { type: 'refused', stage: 'data', reply: data }
    } else if (accepted.length > 0) {
      await this.#sendContent(accepted)
    } else if (dialect === 'lmtp') {
      // RFC 2033 §4.2 demands 503 here: how many replies a dot would get is anyone's guess.
      wire.nonsense('data', `an invitation to send a message to nobody: ${data.verbatim}`)
    } else {
      // RFC 2920 §3.1: DATA was accepted though no recipient was, so the client sends a single dot.
      const nothing = wire.expectContent('data')
      wire.line('.')
      nothing.finish()
      wire.flush()
    }
  }

  // The content

  async #sendContent(accepted: readonly number[]): Promise<void> {
    const { dialect } = this.#channel
    const replies = dialect === 'lmtp' ? accepted.length : 1
    try {
      if (this.#prefetched?.type === 'whole') this.#sendWhole(replies)
      else if (this.#chunked) await this.#sendChunks(replies)
      else await this.#sendDotted(replies)
    } catch (error) {
      this.#abandon(error instanceof ContentFault ? error.fault : { type: 'content-failed', error }, accepted)
      return
    }
    await this.#hearFinals(accepted)
  }

  /** There is no way to take back content that has begun, but to leave before its end. */
  #abandon(fault: Fault, accepted: readonly number[]): void {
    const { wire } = this.#channel
    for (const place of accepted) this.#outcomes[place] ??= fault
    wire.end({ type: 'closed', stage: 'content' })
  }

  /** A small message, with what follows it, in as few segments as can be. */
  #sendWhole(replies: number): void {
    const { wire } = this.#channel
    if (this.#prefetched?.type !== 'whole') return
    const { bytes, pieces, endings } = this.#prefetched
    wire.cork()
    if (this.#chunked) {
      this.#beginChunk({ octets: bytes.length, last: true, replies })
      this.#tellContent(bytes.length)
      wire.write(bytes)
    } else {
      this.#finals = this.#expectFinals(replies, 'data')
      this.#tellContent(bytes.length)
      for (const piece of pieces) wire.write(piece)
      this.#endDotted(endings)
    }
    this.#octets = bytes.length
    this.#completed()
    wire.uncork()
  }

  async #sendDotted(replies: number): Promise<void> {
    const { wire } = this.#channel
    const { size } = this.#message
    this.#finals = this.#expectFinals(replies, 'data')
    const endings = new LineEndings()
    this.#tellContent(size)
    for await (const part of this.#message.content()) {
      this.#count(part.length)
      let blocked = false
      const pieces = endings.stuff(part)
      if (endings.hasBareNewline) throw new ContentFault({ type: 'cannot-carry', reason: 'bare-newline' })
      for (const piece of pieces) blocked = wire.write(piece)
      if (blocked) await wire.room()
      if (wire.ending !== null) return
    }
    endings.finish()
    if (endings.hasBareNewline) throw new ContentFault({ type: 'cannot-carry', reason: 'bare-newline' })
    if (this.#octets !== size) throw wrongSize(size, this.#octets)
    wire.cork()
    this.#endDotted(endings)
    this.#completed()
    wire.uncork()
  }

  /** RFC 5321 §4.1.1.4: a message that does not end in CRLF gets one before the dot. */
  #endDotted(endings: LineEndings): void {
    const { wire } = this.#channel
    if (!endings.atLineStart) wire.write(Buffer.from('\r\n'))
    wire.line('.')
    wire.flush()
  }

  async #sendChunks(replies: number): Promise<void> {
    const { wire, limits, capabilities } = this.#channel
    const { size, options } = this.#message
    const endings = options.body === 'BINARYMIME' ? null : new LineEndings()
    let left = 0
    for await (const part of this.#message.content()) {
      this.#count(part.length)
      endings?.scan(part)
      if (this.#octets === size) endings?.finish()
      if (endings?.hasBareNewline === true)
        throw new ContentFault({ type: 'cannot-carry', reason: 'bare-newline' })
      for (let at = 0; at < part.length;) {
        if (left === 0) {
          if (this.#chunkRefusal !== null) return
          const rest = size - (this.#octets - part.length + at)
          left = Math.min(rest, limits.chunkOctets)
          this.#beginChunk({ octets: left, last: left === rest, replies })
          this.#tellContent(left)
        }
        const piece = part.subarray(at, at + left)
        at += piece.length
        left -= piece.length
        const blocked = wire.write(piece)
        if (left === 0) {
          if (this.#octets - part.length + at === size) {
            // At once: the server may reply before the connection has room again.
            this.#completed()
            wire.flush()
            return
          }
          await this.#endChunk(capabilities.pipelining ? 'go-on' : 'wait')
        }
        if (blocked) await wire.room()
        if (wire.ending !== null) return
      }
    }
    if (this.#octets !== size) throw wrongSize(size, this.#octets)
    this.#completed()
    wire.flush()
  }

  #chunk: ContentExpectation | null = null

  /** RFC 3030 §2: `BDAT chunk-size [LAST]`, the octets, then a reply. */
  #beginChunk(chunk: { readonly octets: number; readonly last: boolean; readonly replies: number }): void {
    const { wire } = this.#channel
    wire.line(`BDAT ${chunk.octets}${chunk.last ? ' LAST' : ''}`)
    if (chunk.last) {
      this.#finals = this.#expectFinals(chunk.replies, 'chunk')
      return
    }
    this.#chunk = wire.expectContent('chunk')
    void this.#chunk.heard.then((heard) => {
      if (heard.type === 'reply' && isRefusal(heard)) this.#chunkRefusal ??= heard
    })
  }

  async #endChunk(then: 'go-on' | 'wait'): Promise<void> {
    const chunk = this.#chunk
    this.#channel.wire.flush()
    chunk?.finish()
    if (then === 'wait') await chunk?.heard
  }

  #expectFinals(replies: number, content: 'data' | 'chunk'): ContentExpectation[] {
    return Array.from({ length: replies }, () => this.#channel.wire.expectContent(content))
  }

  #count(octets: number): void {
    this.#octets += octets
    if (this.#octets > this.#message.size) throw wrongSize(this.#message.size, this.#octets)
  }

  #tellContent(octets: number): void {
    const { wire } = this.#channel
    if (wire.watched) wire.tell('C', `(${octets.toLocaleString('en-US')} octets)`)
  }

  /** The last octet is written. */
  #completed(): void {
    for (const final of this.#finals) final.finish()
    // RFC 5321 §4.1.1.4: the dot clears the transaction, whatever the reply. RFC 3030 §3: a BDAT that fails does not.
    this.#channel.needsReset = this.#chunked
    if (this.#channel.capabilities.pipelining) this.#release()
  }

  async #hearFinals(accepted: readonly number[]): Promise<void> {
    if (this.#chunkRefusal !== null && !this.#finals.some((final) => final.complete)) {
      this.#refuseContent(this.#chunkRefusal, accepted)
      return
    }
    const heard = await Promise.all(this.#finals.map((final) => final.heard))
    if (this.#chunkRefusal !== null) {
      this.#refuseContent(this.#chunkRefusal, accepted)
      return
    }
    const [one] = heard
    let taken = false
    for (const [index, place] of accepted.entries()) {
      const final = this.#channel.dialect === 'lmtp' ? heard[index] : one
      const expectation = this.#finals[this.#channel.dialect === 'lmtp' ? index : 0]
      if (final === undefined || expectation === undefined) continue
      taken = this.#hearFinal({ place, final, expectation }) || taken
    }
    this.#settleUnheard()
    if (!taken) return
    this.#channel.accepted++
    if (this.#channel.transactions === this.#number) this.#channel.needsReset = false
  }

  #refuseContent(reply: ServerReply, accepted: readonly number[]): void {
    this.#channel.needsReset = true
    for (const place of accepted) this.#outcomes[place] ??= { type: 'refused', stage: 'content', reply }
  }

  /** True where the recipient is served. */
  #hearFinal(answer: {
    readonly place: number
    readonly final: Heard
    readonly expectation: ContentExpectation
  }): boolean {
    const { place, final, expectation } = answer
    if (final.type !== 'reply') return false
    if (isPositive(final)) {
      this.#outcomes[place] = { type: 'accepted', reply: final }
      return true
    }
    const stage = expectation.complete ? 'reply' : 'content'
    this.#outcomes[place] = { type: 'refused', stage, reply: final }
    return false
  }

  /**
   * Who has no reply though all was sent: RFC 1047, it may have been delivered. A farewell says that what was not answered was
   * not done.
   */
  #settleUnheard(): void {
    const { ending } = this.#channel.wire
    if (ending === null || !this.#finals.some((final) => final.complete)) return
    this.#settle({ type: ending.type === 'farewell' ? 'lost' : 'unknown', ending })
  }
}

function isTaken(heard: Heard): boolean {
  return heard.type === 'reply' && isPositive(heard)
}

function wrongSize(announced: number, found: number): Error {
  return new Error(
    `the message should have ${announced} octets, not ${found}${found > announced ? ' or more' : ''}`,
  )
}
