// What the filters are asked, stage by stage, and what their refusals become. Made only where a policy is configured, so that
// without one nothing is asked and nothing waits.
import type { HookConnection, HookHello, HookMail, HookRecipient } from '../../config/hooks.ts'
import * as smtpEvents from '../../events/smtp.ts'
import type { HookDelivered, HookHeaderField } from '../../config/hooks.ts'
import type { MessageVerdict, Policy, PolicyRefusal, PolicySession } from '../../hooks/policy.ts'
import { formatAddress } from '../../mail/address.ts'
import type { StagedBlob } from '../../store/model.ts'
import type { Recipient, SmtpAnswer, SmtpClient } from '../proto/questions.ts'
import { makeReply } from '../proto/reply.ts'
import type { SessionContext } from './context.ts'
import type { Transaction } from './transaction.ts'

/** What a refusal is about. */
interface About {
  readonly id: string
  readonly recipient: string
}

export class PolicyStage {
  readonly #context: SessionContext
  readonly #session: PolicySession

  constructor(context: SessionContext, policy: Policy) {
    this.#context = context
    this.#session = policy.open()
  }

  async connect(client: SmtpClient): Promise<SmtpAnswer | null> {
    return this.#answer('connect', await this.#session.connect(this.#connection(client)))
  }

  async hello(client: SmtpClient): Promise<SmtpAnswer | null> {
    return this.#answer('hello', await this.#session.hello(this.#hello(client)))
  }

  async mail(transaction: Transaction, client: SmtpClient): Promise<SmtpAnswer | null> {
    const verdict = await this.#session.mail(this.#mail(transaction, client))
    return this.#answer('mail', verdict, { id: transaction.id })
  }

  async rcpt(
    transaction: Transaction,
    { client, recipient }: { client: SmtpClient; recipient: Recipient },
  ): Promise<SmtpAnswer | null> {
    const verdict = await this.#session.rcpt({
      ...this.#mail(transaction, client),
      recipients: hookRecipients(transaction),
      recipient: hookRecipient(recipient),
    })
    const { address } = recipient
    const named = address === null ? 'postmaster' : formatAddress(address)
    return this.#answer('rcpt', verdict, { id: transaction.id, recipient: named })
  }

  /** The whole message; it is read back from where it was staged, as often as a filter asks. */
  message(
    transaction: Transaction,
    message: { client: SmtpClient; headers: readonly HookHeaderField[]; blob: StagedBlob },
  ): Promise<MessageVerdict | null> {
    const { client, headers, blob } = message
    const { readStaged } = this.#context.parts
    return this.#session.message({
      ...this.#mail(transaction, client),
      id: transaction.id,
      recipients: hookRecipients(transaction),
      headers,
      content: () => readStaged(blob),
      bytes: blob.size,
    })
  }

  /** The answer to the end of a message that was refused. */
  refusal({ id }: Transaction, verdict: PolicyRefusal): SmtpAnswer {
    this.#tell('message', verdict, { id })
    return refusalAnswer(verdict)
  }

  reset(): void {
    this.#session.reset()
  }

  delivered(delivered: HookDelivered): void {
    this.#session.delivered(delivered)
  }

  closed(): void {
    this.#session.closed()
  }

  #answer(stage: string, verdict: PolicyRefusal | null, about: Partial<About> = {}): SmtpAnswer | null {
    if (verdict === null) return null
    this.#tell(stage, verdict, about)
    return refusalAnswer(verdict)
  }

  #tell(
    stage: string,
    { by, code, status, text }: PolicyRefusal,
    { id = '', recipient = '' }: Partial<About>,
  ): void {
    const reply = `${code} ${status} ${text}`
    const fields = { ...this.#context.who(), id, stage, recipient, by, code, reply }
    this.#context.emit(smtpEvents.policyRefused, fields)
  }

  #connection(client: SmtpClient): HookConnection {
    const { id, peer, remoteName, parts } = this.#context
    return {
      sessionId: id,
      service: parts.role === 'mx' ? 'smtp' : parts.role,
      remoteAddress: peer.remoteAddress,
      remotePort: peer.remotePort,
      remoteName,
      tls: client.tls === null ? null : { version: client.tls.version, cipher: client.tls.cipher },
    }
  }

  #hello(client: SmtpClient): HookHello {
    return { ...this.#connection(client), helo: client.name, extended: client.extended }
  }

  #mail({ id, sender, options }: Transaction, client: SmtpClient): HookMail {
    const { reversePath, size } = sender
    return { ...this.#hello(client), id, username: client.username, reversePath, size, options }
  }
}

function refusalAnswer({ code, status, text, then }: Omit<PolicyRefusal, 'type' | 'by'>): SmtpAnswer {
  const reply = makeReply(code, status, text)
  return then === 'close' ? { type: 'reply', reply, then } : { type: 'reply', reply }
}

function hookRecipients({ accepted }: Transaction): HookRecipient[] {
  return accepted.flatMap(({ recipient }) => (recipient === null ? [] : [hookRecipient(recipient)]))
}

function hookRecipient({ address, notify, originalRecipient, requireValidSince }: Recipient): HookRecipient {
  return { address, options: { notify, originalRecipient, requireValidSince } }
}
