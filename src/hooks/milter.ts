// One session's conversation with one milter: Sendmail's mail filter protocol, versions 2 to 6, from the server's side.
//
// - The connection is opened with the session and kept to its end. It is told what the client said, step by step, as far as it wants to
//   know; what an earlier hook refused is not shown to it.
// - It is believed as far as it was granted something in the negotiation, and no further. Any breach, and any silence beyond its time,
//   ends the conversation; what then holds for the rest of the session is `onFailure`.
// - Nothing of a message is held: its body passes through in chunks, at the milter's own pace.
import type { Clock } from '../base/clock.ts'
import type { Dialer } from '../base/connection.ts'
import type { HookConnection, HookHello, HookMail, HookMessage, HookRcpt } from '../config/hooks.ts'
import type { MilterConfig } from '../config/sections/hooks.ts'
import type { Events } from '../events/event.ts'
import { formatAddress } from '../mail/address.ts'
import type { CommandName, MilterCommand } from '../milter/proto/commands.ts'
import { binary } from '../milter/proto/fields.ts'
import { MilterProtocolError } from '../milter/proto/frames.ts'
import { actionBits, type Negotiated, stepBits } from '../milter/proto/negotiation.ts'
import type { MilterChange, MilterReply, MilterVerdict } from '../milter/proto/replies.ts'
import { makeRefusal, readRewrite, type Stage } from './decision.ts'
import { openMessage } from './message-parts.ts'
import { MilterConnection } from './milter-connection.ts'
import { MilterMacros } from './milter-macros.ts'
import { bodyChunks, MilterChanges, type MilterField, milterFields } from './milter-message.ts'
import { type Asked, askedOf, decided, failed, within } from './parts.ts'
import type { MessageVerdict, PolicyRefusal, PolicySession } from './policy.ts'

export interface MilterParts {
  readonly clock: Clock
  readonly events: Events
  readonly dialer: Dialer
  /** This host, as it greets. */
  readonly hostname: string
  /** Octets of a body that a milter may put in place of the message's. */
  readonly maxBody: number
  readonly maxRewrites: number
}

/** A conversation with that milter, not yet begun. */
export function createMilterSession(config: MilterConfig, parts: MilterParts): PolicySession {
  return new MilterSession(config, parts)
}

type Conversation =
  | { readonly type: 'new' }
  | {
      readonly type: 'open'
      readonly milter: MilterConnection
      readonly agreement: Negotiated
      /** What holds for the message under way, if MAIL was told. */
      transaction: 'none' | 'asked' | 'accepted' | 'discarded'
    }
  /** It wants to hear no more of this session. */
  | { readonly type: 'accepted' }
  | { readonly type: 'broken' }

type OpenConversation = Extract<Conversation, { type: 'open' }>

/** Which bits leave a step out, or its reply. */
const steps: Record<Exclude<CommandName, 'end-of-message'>, { unwanted: number; silent: number }> = {
  connect: { unwanted: stepBits.noConnect, silent: stepBits.silentConnect },
  helo: { unwanted: stepBits.noHelo, silent: stepBits.silentHelo },
  mail: { unwanted: stepBits.noMail, silent: stepBits.silentMail },
  rcpt: { unwanted: stepBits.noRcpt, silent: stepBits.silentRcpt },
  data: { unwanted: stepBits.noData, silent: stepBits.silentData },
  header: { unwanted: stepBits.noHeaders, silent: stepBits.silentHeaders },
  'end-of-headers': { unwanted: stepBits.noEndOfHeaders, silent: stepBits.silentEndOfHeaders },
  body: { unwanted: stepBits.noBody, silent: stepBits.silentBody },
}

/** DATA was added with this version. */
const versionWithData = 4

/** What a milter must have been granted to ask for a change. */
const needed: Record<MilterChange['type'], number> = {
  'add-header': actionBits.addHeaders,
  'insert-header': actionBits.addHeaders,
  'change-header': actionBits.changeHeaders,
  'add-recipient': actionBits.addRecipients,
  'delete-recipient': actionBits.deleteRecipients,
  'change-sender': actionBits.changeSender,
  'replace-body': actionBits.changeBody,
  quarantine: actionBits.quarantine,
}

class MilterSession implements PolicySession {
  readonly #config: MilterConfig
  readonly #parts: MilterParts
  readonly #by: string
  readonly #macros: MilterMacros
  #conversation: Conversation = { type: 'new' }

  constructor(config: MilterConfig, parts: MilterParts) {
    this.#config = config
    this.#parts = parts
    this.#by = `milter ${config.name}`
    this.#macros = new MilterMacros(parts.hostname)
  }

  connect(connection: HookConnection): Promise<PolicyRefusal | null> {
    return this.#guard('connect', connection, async () => {
      const { milter, agreement } = await MilterConnection.open(this.#config, this.#parts)
      const open: OpenConversation = { type: 'open', milter, agreement, transaction: 'none' }
      // The session may have ended meanwhile.
      if (this.#conversation.type !== 'new') {
        milter.quit()
        return null
      }
      this.#conversation = open
      this.#macros.connection(connection)
      const hostname = connection.remoteName ?? `[${connection.remoteAddress}]`
      const { remoteAddress: address, remotePort: port } = connection
      return this.#step(open, { type: 'connect', hostname, address, port })
    })
  }

  hello(hello: HookHello): Promise<PolicyRefusal | null> {
    return this.#ask('helo', hello, (open) => {
      this.#macros.hello(hello)
      return this.#step(open, { type: 'helo', name: binary(hello.helo) })
    })
  }

  mail(mail: HookMail): Promise<PolicyRefusal | null> {
    return this.#ask('mail', mail, async (open) => {
      await this.#abort(open)
      open.transaction = 'asked'
      this.#macros.mail(mail)
      const path = mail.reversePath === null ? '<>' : `<${formatAddress(mail.reversePath)}>`
      return this.#step(open, { type: 'mail', path: binary(path), parameters: mailParameters(mail) })
    })
  }

  rcpt(rcpt: HookRcpt): Promise<PolicyRefusal | null> {
    return this.#ask('rcpt', rcpt, async (open) => {
      if (open.transaction !== 'asked') return null
      const { address } = rcpt.recipient
      // RFC 5321 §4.5.1: `RCPT TO:<Postmaster>` has no domain.
      const path = address === null ? 'postmaster' : formatAddress(address)
      this.#macros.rcpt(path)
      return this.#step(open, { type: 'rcpt', path: binary(`<${path}>`), parameters: [] })
    })
  }

  async message(message: HookMessage): Promise<MessageVerdict | null> {
    const asked = { by: this.#by, stage: 'data', ...askedOf(message) } as const
    try {
      const open = this.#conversation
      if (open.type === 'broken') return this.#afterFailure('data')
      if (open.type !== 'open') return null
      if (open.transaction === 'asked') {
        const { messageTimeout } = this.#config
        const verdict = await within(messageTimeout, this.#parts.clock, () => this.#tell(open, message))
        return decided(this.#parts, asked, verdict)
      }
      const verdict: MessageVerdict | null =
        open.transaction === 'discarded' ? { type: 'discard', by: this.#by } : null
      await this.#abort(open)
      return decided(this.#parts, asked, verdict)
    } catch (error) {
      return this.#broke(asked, error)
    }
  }

  reset(): void {
    const open = this.#conversation
    if (open.type !== 'open') return
    this.#abort(open).catch(() => {
      // What broke the connection is found, and told, by whoever asks next.
    })
  }

  delivered(): void {}

  closed(): void {
    const open = this.#conversation
    this.#conversation = { type: 'accepted' }
    if (open.type === 'open') open.milter.quit()
  }

  /** One stage before the message, where the conversation goes on. */
  async #ask(
    stage: 'helo' | 'mail' | 'rcpt',
    session: HookConnection,
    work: (open: OpenConversation) => Promise<MilterVerdict | null>,
  ): Promise<PolicyRefusal | null> {
    const conversation = this.#conversation
    if (conversation.type === 'broken') return this.#afterFailure(stage)
    if (conversation.type !== 'open') return null
    return this.#guard(stage, session, () => work(conversation))
  }

  async #guard(
    stage: Exclude<Stage, 'data'>,
    about: HookConnection & { readonly id?: string },
    work: () => Promise<MilterVerdict | null>,
  ): Promise<PolicyRefusal | null> {
    const asked = { by: this.#by, stage, ...askedOf(about) } as const
    try {
      // A sign of progress begins `timeout` anew, but no step takes longer than a whole message may.
      const verdict = await within(this.#config.messageTimeout, this.#parts.clock, work)
      return decided(this.#parts, asked, verdict === null ? null : this.#refusal(verdict, stage))
    } catch (error) {
      return this.#broke(asked, error)
    }
  }

  #broke(asked: Asked & { readonly stage: Stage }, error: unknown): PolicyRefusal | null {
    const { onFailure } = this.#config
    const conversation = this.#conversation
    if (conversation.type === 'open') conversation.milter.destroy()
    this.#conversation = { type: 'broken' }
    return failed(this.#parts, asked, { error, onFailure })
  }

  #afterFailure(stage: Stage): PolicyRefusal | null {
    const { onFailure } = this.#config
    return onFailure === 'accept' ? null : makeRefusal({ type: onFailure }, { by: this.#by, stage })
  }

  /** Null to go on. What a verdict means beyond this step is noted. */
  #refusal(verdict: MilterVerdict, stage: Exclude<Stage, 'data'>): PolicyRefusal | null {
    const open = this.#conversation
    const early = stage === 'connect' || stage === 'helo'
    if (verdict.type === 'accept' && early) {
      if (open.type === 'open') open.milter.quit()
      this.#conversation = { type: 'accepted' }
      return null
    }
    if (open.type === 'open' && !early) {
      if (verdict.type === 'accept') open.transaction = 'accepted'
      if (verdict.type === 'discard') open.transaction = 'discarded'
    }
    return refusalOf(verdict, { by: this.#by, stage })
  }

  /** Tells one step, with its macros before it, unless it is unwanted. Null where no verdict is to be had. */
  async #step(
    { milter, agreement }: OpenConversation,
    command: MilterCommand & { type: keyof typeof steps },
  ): Promise<MilterVerdict | null> {
    const { unwanted, silent } = steps[command.type]
    if ((agreement.steps & unwanted) !== 0) return null
    await this.#sendMacros({ milter, agreement }, command.type)
    await milter.send(command)
    if ((agreement.steps & silent) !== 0) return null
    return verdictOf(await milter.reply(this.#config.timeout))
  }

  async #sendMacros(
    { milter, agreement }: Pick<OpenConversation, 'milter' | 'agreement'>,
    name: CommandName,
  ): Promise<void> {
    const values = this.#macros.for(name, agreement.macros)
    if (values.length > 0) await milter.send({ type: 'macros', for: name, values })
  }

  async #abort(open: OpenConversation): Promise<void> {
    if (open.transaction === 'none') return
    open.transaction = 'none'
    await open.milter.send({ type: 'abort' })
  }

  async #tell(open: OpenConversation, message: HookMessage): Promise<MessageVerdict | null> {
    this.#macros.message(message.id)
    const opened = await openMessage(message.content())
    try {
      const space = (open.agreement.steps & stepBits.leadingSpace) === 0 ? 'dropped' : 'kept'
      const fields = milterFields(opened.header, { space })
      const early = await this.#tellContent(open, { fields, body: opened.body })
      if (early !== null) {
        await this.#abort(open)
        return messageVerdict(early, this.#by)
      }
      return await this.#end(open, fields)
    } finally {
      await opened.close()
    }
  }

  /** Everything before the end of the message; a verdict where one comes early. */
  async #tellContent(
    open: OpenConversation,
    { fields, body }: { fields: readonly MilterField[]; body: AsyncIterable<Uint8Array> },
  ): Promise<MilterVerdict | null> {
    const knowsData = open.agreement.version >= versionWithData
    return (
      (knowsData ? final(await this.#step(open, { type: 'data' })) : null) ??
      (await this.#tellAll(
        open,
        fields.map((field) => ({ type: 'header', ...field }) as const),
      )) ??
      final(await this.#step(open, { type: 'end-of-headers' })) ??
      (await this.#tellAll(open, bodyChunks(body)))
    )
  }

  async #end(open: OpenConversation, fields: readonly MilterField[]): Promise<MessageVerdict | null> {
    await this.#sendMacros(open, 'end-of-message')
    await open.milter.send({ type: 'end-of-message' })
    const { maxBody, maxRewrites } = this.#parts
    const changes = new MilterChanges(fields, { maxBody, maxRewrites })
    const verdict = await this.#changes(open, changes)
    open.transaction = 'none'
    return this.#outcome(verdict, changes)
  }

  /** Header fields or chunks, until the milter has heard enough. */
  async #tellAll(
    open: OpenConversation,
    commands: Iterable<MilterCommand & { type: 'header' }> | AsyncIterable<MilterCommand & { type: 'body' }>,
  ): Promise<MilterVerdict | null> {
    for await (const command of commands) {
      const verdict = await this.#step(open, command)
      if (verdict?.type === 'skip') return null
      const end = final(verdict)
      if (end !== null) return end
      if ((open.agreement.steps & steps[command.type].unwanted) !== 0) return null
    }
    return null
  }

  async #changes(open: OpenConversation, changes: MilterChanges): Promise<MilterVerdict> {
    for (;;) {
      const reply = await open.milter.reply(this.#config.messageTimeout)
      if (!isChange(reply)) return verdictOf(reply)
      if ((open.agreement.actions & needed[reply.type]) === 0) {
        throw new MilterProtocolError(`${reply.type} without having asked for it`)
      }
      changes.add(reply)
    }
  }

  #outcome(verdict: MilterVerdict, changes: MilterChanges): MessageVerdict | null {
    const end = final(verdict)
    if (end !== null && end.type !== 'accept') return messageVerdict(end, this.#by)
    const asked = changes.rewrite()
    const rewrites = asked === null ? [] : [readRewrite(asked, this.#parts)]
    if (changes.quarantine !== null) {
      return { type: 'quarantine', reason: changes.quarantine, rewrites, by: this.#by }
    }
    return rewrites.length === 0 ? null : { type: 'rewrite', rewrites, by: this.#by }
  }
}

function isChange(reply: MilterReply): reply is MilterChange {
  return Object.hasOwn(needed, reply.type)
}

/** Throws `MilterProtocolError` for what is no verdict. */
function verdictOf(reply: MilterReply): MilterVerdict {
  if (isChange(reply) || reply.type === 'negotiated' || reply.type === 'progress') {
    throw new MilterProtocolError(`${reply.type} at the wrong time`)
  }
  return reply
}

/** What ends a message; null to go on. */
function final(verdict: MilterVerdict | null): MilterVerdict | null {
  return verdict === null || verdict.type === 'continue' || verdict.type === 'skip' ? null : verdict
}

function messageVerdict(verdict: MilterVerdict, by: string): MessageVerdict | null {
  return verdict.type === 'discard' ? { type: 'discard', by } : refusalOf(verdict, { by, stage: 'data' })
}

function refusalOf(verdict: MilterVerdict, where: { by: string; stage: Stage }): PolicyRefusal | null {
  switch (verdict.type) {
    case 'continue':
    case 'skip':
    case 'accept':
    case 'discard':
      return null
    case 'reject':
      return makeRefusal({ type: 'reject' }, where)
    case 'tempfail':
      return makeRefusal({ type: 'defer' }, where)
    case 'shutdown':
      return makeRefusal({ type: 'defer', code: 421 }, where)
    case 'reply-code': {
      const { code, status } = verdict
      const text = verdict.text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, maxReplyText)
      const refusal = { code, ...(status === null ? {} : { status }), ...(text === '' ? {} : { text }) }
      return makeRefusal({ type: code < 500 ? 'defer' : 'reject', ...refusal }, where)
    }
  }
}

const maxReplyText = 400

/** What the client said at MAIL beside the path, as far as filters look at it. */
function mailParameters({ size, options }: HookMail): string[] {
  return [
    ...(size === null ? [] : [`SIZE=${size}`]),
    ...(options.body === undefined || options.body === '7BIT' ? [] : [`BODY=${options.body}`]),
    ...(options.smtpUtf8 === true ? ['SMTPUTF8'] : []),
  ]
}
