// `mail.submit`: a whole message from this machine, for `posthorn sendmail`. Whoever may open the control socket owns the server, so
// he may name any sender.
import { z } from 'zod'
import type { SubmitRefusal, SubmitResult, Submitter } from '../../delivery/submitter.ts'
import { type Address, tryAddress } from '../../mail/address.ts'
import { plainMessageOptions, plainRecipientOptions } from '../../mail/delivery-options.ts'
import { DeferredOperation, operation, type Operation, RefusedOperation } from './operation.ts'

const submission = z.strictObject({
  /** '' is the null reverse-path. */
  reversePath: z.string(),
  recipients: z.array(z.string()).min(1),
  /** Base64. */
  message: z.base64(),
  notify: z
    .array(z.enum(['success', 'failure', 'delay']))
    .nullable()
    .default(null),
  ret: z.enum(['full', 'headers']).nullable().default(null),
  envId: z.string().max(100).nullable().default(null),
})

export function mailOperations({ submitter }: { submitter: Submitter }): Record<string, Operation> {
  return {
    'mail.submit': operation(submission, async (request): Promise<Extract<SubmitResult, { ok: true }>> => {
      const { notify, ret, envId } = request
      const reversePath = request.reversePath === '' ? null : addressOf(request.reversePath)
      const addresses = request.recipients.map(addressOf)
      const result = await submitter.submit({
        reversePath,
        recipients: addresses.map((address) => ({ address, options: { ...plainRecipientOptions, notify } })),
        content: [Buffer.from(request.message, 'base64')],
        origin: 'local',
        account: null,
        came: { protocol: 'local', remoteAddress: null },
        options: {
          ...plainMessageOptions,
          body: '8BITMIME',
          smtpUtf8: [reversePath, ...addresses].some((address) => address?.utf8 === true),
          ret,
          envId,
        },
      })
      if (!result.ok) {
        const { code, status, text } = result.reply ?? noReply
        if (result.reason === 'policy') {
          const words = `A filter refused it: ${code} ${status} ${text}`
          throw code < 500 ? new DeferredOperation(words) : new RefusedOperation(words)
        }
        if (result.reason === 'queue-full') throw new DeferredOperation('The queue is full; try again later.')
        throw new RefusedOperation(sentenceFor(result.reason, request.recipients))
      }
      return result
    }),
  }
}

function addressOf(text: string): Address {
  const address = tryAddress(text, { utf8: true })
  if (address === undefined) throw new RefusedOperation(`${text} is not an address.`)
  return address
}

const noReply = { code: 451, status: '4.7.1', text: 'Try again later' }

function sentenceFor(
  reason: Exclude<SubmitRefusal, 'policy' | 'queue-full'>,
  recipients: readonly string[],
): string {
  switch (reason) {
    case 'no-recipients':
      return `No mailbox here for ${recipients.join(', ')}.`
    case 'no-such-account':
      return 'The accounts that it was for are not there any more.'
    case 'over-quota':
      return 'The mailboxes are full.'
    case 'too-big':
      return 'The message is larger than `maxMessageSize`.'
    case 'header-too-big':
      return 'The header of the message is larger than `submission.maxHeaderSize`.'
    case 'loop':
      return 'The message has been here too often: a mail loop.'
    case 'no-relay':
      return 'This server sends no mail to other hosts: see `relay.enabled`.'
  }
}
