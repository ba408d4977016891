// The parameters of MAIL and RCPT as words, for programs that want them as they were said: keywords in capitals, values decoded.
import type { Recipient, Sender } from '../../smtp/proto/questions.ts'

type Arguments = Record<string, string | true>

export function senderArguments({ size, body, smtpUtf8, ret, envId, requireTls }: Sender): Arguments {
  return {
    ...(size === null ? {} : { SIZE: String(size) }),
    // RFC 6152 §3: what is not said is 7BIT.
    ...(body === '7BIT' ? {} : { BODY: body }),
    ...(smtpUtf8 ? { SMTPUTF8: true as const } : {}),
    // RFC 3461 §4.3 and §4.4
    ...(ret === null ? {} : { RET: ret === 'full' ? 'FULL' : 'HDRS' }),
    ...(envId === null ? {} : { ENVID: envId }),
    ...(requireTls ? { REQUIRETLS: true as const } : {}),
  }
}

export function recipientArguments({ notify, originalRecipient }: Recipient): Arguments {
  return {
    // RFC 3461 §4.1 and §4.2
    ...(notify === null ? {} : { NOTIFY: notify.join(',').toUpperCase() || 'NEVER' }),
    ...(originalRecipient === null ? {} : { ORCPT: originalRecipient }),
  }
}
