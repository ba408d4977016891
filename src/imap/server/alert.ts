// A SEND, SOML or SAML message (RFC 821 §3.4) as an IMAP session in IDLE shows it: one ALERT, which a client must bring before its user
// (RFC 3501 §7.1, RFC 9051 §7.1).
//
// A response is one line of printable US-ASCII: IMAP4rev1 allows nothing else there (RFC 3501 §9, `TEXT-CHAR`). What is not is shown
// as `?`, and a long text is cut.
import type { TerminalMessage } from '../../delivery/terminals.ts'

/** Characters of the text after the code. */
const longest = 800

/** The response, with its CRLF. */
export function alertLine({ from, subject, text }: TerminalMessage): string {
  const said = [subject, text].filter((one) => one !== '').join(': ')
  const words = `${from}: ${said}`.replace(/\s+/g, ' ').trim()
  return `* OK [ALERT] ${words.replace(/[^\x20-\x7e]/gu, '?').slice(0, longest)}\r\n`
}
