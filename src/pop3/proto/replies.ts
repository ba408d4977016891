// Every reply of the POP3 server. Text for people in English only; codes in brackets are those of RFC 2449 §8, RFC 3206
// and RFC 6856 §5, and no text begins with a bracket otherwise. Nothing that a client sent is repeated to it.
import type { LoginRefusal } from './questions.ts'

const crlf = '\r\n'

function ok(text: string): string {
  return `+OK ${text}${crlf}`
}

function err(text: string): string {
  return `-ERR ${text}${crlf}`
}

export const replies = {
  // RFC 1939 §7: a time stamp in angle brackets would offer APOP, so there is none.
  greeting: (hostname: string) => ok(`${hostname} POP3 ready`),
  // RFC 5034 §4: an empty challenge is "+" and a space.
  challenge: (text: string) => `+ ${text}${crlf}`,
  /** A line of a multi-line response that cannot begin with a dot. */
  end: `.${crlf}`,

  lineTooLong: err('Line too long'),
  lineMalformed: err('Lines end with CRLF and hold no NUL or CR'),
  notUtf8: err('Not valid UTF-8'),
  unknownCommand: err('Unknown command'),
  tooManyConnections: err('[SYS/TEMP] Too many connections, try again later'),
  tooManyErrors: err('Too many errors, closing'),
  onlyBeforeLogin: err('Not after log-in'),
  onlyAfterLogin: err('Log in first'),
  syntax: (syntax: string) => err(`Syntax: ${syntax}`),

  capabilities: ok('Capabilities follow'),
  userAccepted: ok('Send PASS'),
  passWithoutUser: err('Send USER first'),
  clearTextRefused: err('Passwords need encryption here, send STLS first'),
  apopUnavailable: err('APOP needs passwords stored in clear text, which this server never does'),
  mechanismUnknown: err('Mechanism not offered here'),
  authMalformed: err('Malformed response'),
  authCancelled: err('Cancelled'),
  stlsReady: ok('Begin TLS'),
  stlsActive: err('TLS is active already'),
  stlsUnavailable: err('No TLS on this port'),
  // RFC 6856 §2.1: a server may refuse STLS after UTF8.
  stlsAfterUtf8: err('STLS comes before UTF8'),
  stlsInjected: err('Nothing may follow STLS before the handshake, closing'),
  utf8Enabled: ok('UTF-8 mode'),
  languages: ok('Languages follow'),
  // RFC 6856 §3.2: the tag, a space, and text in that language.
  language: (tag: string) => ok(`${tag} English it is`),
  languageUnknown: err('No such language'),

  opened: (count: number, octets: number) => ok(`Maildrop has ${count} messages (${octets} octets)`),
  // RFC 1939 §5: nothing but the two numbers.
  stat: (count: number, octets: number) => ok(`${count} ${octets}`),
  listing: (text: string) => ok(text),
  listingFollows: (count: number, octets: number) => ok(`${count} messages (${octets} octets)`),
  messageFollows: (octets: number) => ok(`${octets} octets`),
  topFollows: ok('Top of message follows'),
  deleted: (number: number) => ok(`Message ${number} marked`),
  noop: ok('Nothing done'),
  noSuchMessage: err('No such message'),
  messageDeleted: err('Message is marked as deleted'),
  messageGone: err('Message was removed by another program'),
  // RFC 6856 §5.
  messageNeedsUtf8: err('[UTF8] Message header is in UTF-8, send UTF8 before logging in'),
  // RFC 3206 §4.
  messageUnavailable: err('[SYS/TEMP] Message cannot be read now'),
  notRemoved: err('[SYS/TEMP] Deleted messages not removed'),
  goodbye: ok('Goodbye'),
  goodbyeLeft: (count: number) => ok(`Goodbye, ${count} messages left`),

  refused: (reason: LoginRefusal): string => {
    switch (reason) {
      case 'bad-credentials':
        // RFC 3206 §5.
        return err('[AUTH] Wrong name or password')
      case 'disabled':
        return err('[AUTH] This account is disabled')
      case 'throttled':
        // Not AUTH: clients forget a password that is called wrong, and this one may be right.
        return err('[SYS/TEMP] Too many failed log-ins, try again later')
      case 'unavailable':
        return err('[SYS/TEMP] Log-in is not possible now')
      case 'in-use':
        // RFC 2449 §8.1.2.
        return err('[IN-USE] Another session has this maildrop')
      case 'login-delay':
        // RFC 2449 §8.1.1.
        return err('[LOGIN-DELAY] Logged in a moment ago, wait a little')
    }
  },
} as const
