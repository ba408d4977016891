// A session as hooks see it, and a message of one piece.
import { Buffer } from 'node:buffer'
import type { HookHello, HookMail, HookMessage, HookRcpt } from '../../src/config/hooks.ts'
import { headerFields } from '../../src/hooks/message-parts.ts'
import { tryAddress } from '../../src/mail/address.ts'
import { plainRecipientOptions } from '../../src/mail/delivery-options.ts'

export const hookHello: HookHello = {
  sessionId: 'session',
  service: 'smtp',
  remoteAddress: '192.0.2.1',
  remotePort: 4321,
  remoteName: 'client.example',
  tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
  helo: 'client.example',
  extended: true,
}

export const hookMail: HookMail = {
  ...hookHello,
  username: 'ann@example.org',
  reversePath: tryAddress('ann@example.org') ?? null,
  size: 100,
  options: {},
}

const recipient = { address: tryAddress('bob@example.net') ?? null, options: plainRecipientOptions }

export const hookRcpt: HookRcpt = { ...hookMail, recipients: [], recipient }

/** The message with these octets, read in pieces of `pieceOctets`. */
export function hookMessage(text: string, pieceOctets = 10_000): HookMessage {
  const bytes = Buffer.from(text)
  const end = text.indexOf('\r\n\r\n')
  return {
    ...hookMail,
    id: 'message.1',
    recipients: [recipient],
    headers: headerFields(end < 0 ? text : text.slice(0, end + 2)),
    bytes: bytes.length,
    async *content() {
      for (let at = 0; at < bytes.length; at += pieceOctets) yield bytes.subarray(at, at + pieceOctets)
    },
  }
}
