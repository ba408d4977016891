// The parameters of MAIL as words, for programs that want them as they were said. (RCPT has none among what this server offers.)
import type { Sender } from '../../smtp/proto/questions.ts'

type Arguments = Record<string, string | true>

export function senderArguments(sender: Sender): Arguments {
  const { size, body, smtpUtf8 } = sender
  return {
    ...(size === null ? {} : { SIZE: String(size) }),
    // RFC 6152 §3: what is not said is 7BIT.
    ...(body === '7BIT' ? {} : { BODY: body }),
    ...(smtpUtf8 ? { SMTPUTF8: true as const } : {}),
  }
}
