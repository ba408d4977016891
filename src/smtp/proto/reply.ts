// Every reply that this server gives, as values from one catalogue: code, enhanced status code, text, and the bytes to
// send. Codes are those of RFC 5321 §4.2 and of each extension, enhanced codes those of RFC 3463 and RFC 5248.
//
// Invariants: the class of the enhanced code is the class of the code (RFC 3463 §3: 2, 4 or 5); texts are printable
// US-ASCII and name nothing of the configuration; a line never exceeds 512 octets (RFC 5321 §4.5.3.1.5). Constant
// replies are built once, so that the usual session allocates none.

/** One reply, ready to send. */
export interface Reply {
  readonly type: 'reply'
  readonly code: number
  /** `class.subject.detail`, or null where the standard gives none (220, 221 of HELO, 334, 354, EHLO). */
  readonly enhanced: string | null
  /** The texts of its lines, without codes. */
  readonly lines: readonly string[]
  /** What goes over the wire, CRLFs included. */
  readonly wire: string
}

/** RFC 5321 §4.5.3.1.5: octets of a reply line, CRLF included. */
const replyLineOctets = 512

/** Builds a reply of one or more lines. Characters that may not stand in one become `?`. */
export function makeReply(code: number, enhanced: string | null, text: string | readonly string[]): Reply {
  const lines = (typeof text === 'string' ? [text] : text).map(printable)
  return { type: 'reply', code, enhanced, lines, wire: wireOf({ code, enhanced, lines }) }
}

/** Addresses as they are, in UTF-8 where they need it: only for clients that asked for that (RFC 6531 §3.7.4.2). */
function makeAddressReply(addresses: readonly string[]): Reply {
  const [code, enhanced] = [250, '2.1.5']
  // An address holds no control character, so it cannot end the line.
  const lines = addresses.map((address) => `<${address}>`)
  return { type: 'reply', code, enhanced, lines, wire: wireOf({ code, enhanced, lines }) }
}

function wireOf({ code, enhanced, lines }: Pick<Reply, 'code' | 'enhanced' | 'lines'>): string {
  const prefix = enhanced === null ? '' : `${enhanced} `
  let wire = ''
  for (let index = 0; index < lines.length; index++) {
    // RFC 5321 §4.2.1: Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
    wire += `${code}${index === lines.length - 1 ? ' ' : '-'}${prefix}${lines[index] ?? ''}\r\n`
  }
  return wire
}

function printable(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '?')
  return clean.length > replyLineOctets - 24 ? clean.slice(0, replyLineOctets - 24) : clean
}

/** True for class 4 and 5. */
export function isRefusal(reply: Reply): boolean {
  return reply.code >= 400
}

/** The whole catalogue. Functions where the text depends on the case. */
export const replies = {
  // RFC 5321 §4.2.3, the session
  greeting: (host: string, dialect: 'smtp' | 'lmtp' = 'smtp') =>
    makeReply(220, null, `${host} ${dialect === 'lmtp' ? 'LMTP' : 'ESMTP'} Posthorn`),
  goodbye: makeReply(221, '2.0.0', 'Goodbye'),
  helloAgain: (host: string, name: string) => makeReply(250, null, `${host} greets ${name}`),
  /** RFC 5321 §4.1.1.1: the EHLO response; its first line names the host. */
  extensions: (lines: readonly string[]) => makeReply(250, null, lines),
  ok: makeReply(250, '2.0.0', 'OK'),
  // RFC 5321 §4.2.3: 211 System status, or system help reply
  systemStatus: (lines: readonly string[]) => makeReply(211, '2.0.0', lines),
  helpText: (lines: readonly string[]) => makeReply(214, '2.0.0', lines),
  shuttingDown: makeReply(421, '4.3.2', 'This server is stopping; try again soon'),
  timedOut: makeReply(421, '4.4.2', 'Timed out waiting for you'),
  tooSlow: makeReply(421, '4.4.2', 'The data comes too slowly'),
  trouble: makeReply(421, '4.3.0', 'Internal trouble; try again later'),
  tooManyConnections: makeReply(421, '4.7.0', 'Too many connections from your address'),
  tooManyErrors: makeReply(421, '4.7.0', 'Too many errors'),
  tooManyMessages: makeReply(421, '4.7.0', 'Too many messages in one connection; open another'),

  // RFC 5321 §4.2.4 and §4.3.2, syntax and order
  unknownCommand: makeReply(500, '5.5.1', 'Command not recognised'),
  notImplemented: makeReply(502, '5.5.1', 'Command not implemented'),
  unreadable: makeReply(500, '5.5.2', 'The line holds characters that no command may have'),
  lineTooLong: makeReply(500, '5.5.2', 'Line too long'),
  lineWithoutEnd: makeReply(521, '5.5.2', 'Line too long; closing'),
  bareNewline: makeReply(521, '5.5.2', 'Lines must end in CRLF; bare CR or LF is not accepted'),
  notHttp: makeReply(521, '5.5.1', 'This is SMTP, not HTTP'),
  syntax: (usage: string) => makeReply(501, '5.5.4', `Syntax: ${usage}`),
  noArgument: (verb: string) => makeReply(501, '5.5.4', `${verb} takes no argument`),
  badHello: makeReply(501, '5.5.2', 'Not a host name or address literal'),
  helloFirst: makeReply(503, '5.5.1', 'Say EHLO first, or LHLO in LMTP'),
  mailFirst: makeReply(503, '5.5.1', 'Say MAIL first'),
  nested: makeReply(503, '5.5.1', 'A mail transaction is already open'),
  duringTransaction: makeReply(503, '5.5.1', 'Not during a mail transaction'),
  duringChunks: makeReply(503, '5.5.1', 'Chunks have begun; only BDAT, BURL or RSET may follow'),
  refusedConnection: makeReply(503, '5.5.1', 'No service for you here; say QUIT'),
  // RFC 2033 §4.2: "the DATA command MUST fail with a 503 reply code"
  noRecipientYet: makeReply(503, '5.5.1', 'No recipient was accepted'),
  noValidRecipients: makeReply(554, '5.5.1', 'No valid recipients'),
  unknownHelp: makeReply(504, '5.5.4', 'No help on that'),

  // RFC 5321 §4.1.1.11, parameters
  unknownParameter: (name: string) => makeReply(555, '5.5.4', `Parameter ${name} not recognised`),
  badParameter: (name: string) => makeReply(501, '5.5.4', `Parameter ${name} has no such value`),
  repeatedParameter: (name: string) => makeReply(501, '5.5.4', `Parameter ${name} given twice`),

  // Paths: RFC 3463 §3.2
  badReversePath: makeReply(501, '5.1.7', 'Bad sender address syntax'),
  badForwardPath: makeReply(501, '5.1.3', 'Bad recipient address syntax'),
  pathTooLong: makeReply(501, '5.1.3', 'Recipient address too long'),
  reversePathTooLong: makeReply(501, '5.1.7', 'Sender address too long'),
  // RFC 6531 §3.5: 553 with X.6.7 where a non-ASCII address comes without SMTPUTF8
  needsSmtpUtf8: makeReply(553, '5.6.7', 'Address needs SMTPUTF8'),

  // The transaction
  senderOk: makeReply(250, '2.1.0', 'Sender OK'),
  recipientOk: makeReply(250, '2.1.5', 'Recipient OK'),
  startData: makeReply(354, null, 'End data with <CRLF>.<CRLF>'),
  messageOk: makeReply(250, '2.0.0', 'OK: delivered'),
  messageOkAs: (id: string) => makeReply(250, '2.0.0', `OK: delivered as ${id}`),
  messageQueuedAs: (id: string) => makeReply(250, '2.0.0', `OK: queued as ${id}`),
  messageShown: (id: string) => makeReply(250, '2.0.0', `OK: shown on a terminal as ${id}`),
  chunkOk: (octets: number) => makeReply(250, '2.0.0', `${octets} octets received`),
  // RFC 1870 §6.1 and §6.2, RFC 3463 §3.4: X.3.4 message too big for system
  urlOk: makeReply(250, '2.5.0', 'The octets of the URL were taken'),
  /** RFC 4468 §6, with the code of its §5. */
  urlUnreadable: makeReply(554, '5.6.6', 'This URL names nothing that may be read here'),
  tooBig: makeReply(552, '5.3.4', 'Message too big'),
  // RFC 5321 §4.5.3.1.10: 452 rather than 552
  tooManyRecipients: makeReply(452, '4.5.3', 'Too many recipients for one message; send the rest in another'),
  // RFC 9422 RCPTDOMAINMAX
  tooManyDomains: makeReply(452, '4.5.3', 'Too many domains for one connection; send the rest in another'),
  contentLineTooLong: makeReply(554, '5.6.0', 'A line of the message is too long'),
  contentNul: makeReply(554, '5.6.0', 'The message contains NUL; send it with BDAT and BODY=BINARYMIME'),
  contentNewline: makeReply(550, '5.5.2', 'The message contains bare CR or LF; send it with BODY=BINARYMIME'),
  binaryNeedsBdat: makeReply(503, '5.5.1', 'BODY=BINARYMIME needs BDAT'),

  // Recipients and senders: decided by the server
  noSuchUser: makeReply(550, '5.1.1', 'No such mailbox here'),
  mailboxDisabled: makeReply(550, '5.2.1', 'Mailbox disabled'),
  mailboxFull: makeReply(452, '4.2.2', 'Mailbox full; try again later'),
  tooBigForMailbox: makeReply(552, '5.2.2', 'The mailbox has no room for a message of this size'),
  relayDenied: makeReply(550, '5.7.1', 'Relaying denied'),
  noRelay: makeReply(550, '5.7.1', 'This server delivers only to its own domains'),
  // RFC 3463 §3.4: X.3.1 mail system full
  queueFull: makeReply(452, '4.3.1', 'The queue is full; try again later'),
  senderNotYours: makeReply(553, '5.7.1', 'Sender address does not belong to your account'),
  loop: makeReply(554, '5.4.6', 'Mail loop: the message has been here too often'),
  aliasLoop: makeReply(550, '5.4.6', 'The address leads only to itself'),
  aliasTooWide: makeReply(451, '4.3.5', 'The address leads to more places than this server follows'),
  aliasElsewhere: makeReply(451, '4.3.5', 'The address leads to another host; forwarding is not set up'),
  // RFC 821 §3.4: a user who is not active, or does not accept terminal messages, is refused with 450
  noTerminal: makeReply(450, '4.2.1', 'Nobody is at a terminal there now'),
  // RFC 3463 §3.4: X.3.3 system not capable of selected features
  terminalsElsewhere: makeReply(550, '5.3.3', 'This server shows messages on terminals of its own alone'),
  // RFC 7293 §5.1, §14
  ownerChanged: makeReply(550, '5.7.17', 'The mailbox had another owner then, or none'),
  // RFC 3865 §2.6: 550 with 5.7.1, and the keyword
  solicitationRefused: (keyword: string) =>
    makeReply(550, '5.7.1', `Not wanted here: SOLICIT=${keyword.slice(0, 200)}`),
  // RFC 4865 §4.2 (10), (11), RFC 2852 §4
  holdTooLong: makeReply(501, '5.5.4', 'Held for longer than this server holds'),
  holdBeyondDeadline: makeReply(501, '5.5.4', 'Held for longer than it may take to be delivered'),
  deliverByTooSoon: makeReply(555, '5.5.4', 'Delivery is asked for sooner than this server promises'),
  tooManyFromAccount: makeReply(
    450,
    '4.7.1',
    'Too many messages from your account in this hour; try again later',
  ),
  tooManyRecipientsFromAccount: makeReply(
    450,
    '4.7.1',
    'Too many recipients from your account in this hour; try again later',
  ),
  // RFC 6409 §6.3, RFC 5322 §3.6.2
  // RFC 6409 §6.3; RFC 5322 §3.6, §3.6.2 and §3.6.6
  fieldNotYours: (field: string) =>
    makeReply(550, '5.7.1', `The ${field} field names an address that does not belong to your account`),
  resendingRefused: makeReply(550, '5.7.1', 'Mail that somebody else wrote may not be sent on from here'),
  fromMissing: makeReply(554, '5.6.0', 'The message has no From field'),
  fieldTwice: (field: string) => makeReply(554, '5.6.0', `The message has more than one ${field} field`),
  fieldUnreadable: (field: string) => makeReply(554, '5.6.0', `The ${field} field cannot be read`),
  senderFieldMissing: (field: string) =>
    makeReply(
      554,
      '5.6.0',
      `Several addresses in ${field} need a ${field === 'From' ? 'Sender' : 'Resent-Sender'} field`,
    ),
  headerTooBig: makeReply(554, '5.6.0', 'The header of the message is too big'),
  // RFC 5321 §3.5.1 and §3.5.3
  forwarding: (path: string) => makeReply(251, '2.1.5', `User not local; will forward to <${path}>`),
  ambiguous: (addresses: readonly string[]) =>
    makeReply(553, '5.1.4', ['User ambiguous; one of these?', ...addresses.map((one) => `<${one}>`)]),
  // RFC 7504 §3: 521 and the end; the client did not wait for the greeting (RFC 5321 §4.3.1)
  earlyTalker: makeReply(521, '5.5.1', 'You spoke before the greeting'),

  // ETRN: RFC 1985 §5.1; §7 has 500 for a command without node
  etrnWithoutNode: makeReply(500, '5.5.4', 'Syntax: ETRN domain'),
  queueStarted: (node: string) => makeReply(250, '2.0.0', `OK, queuing for node ${node} started`),
  queueEmpty: (node: string) => makeReply(251, '2.0.0', `OK, no messages waiting for node ${node}`),
  /** 252 where messages wait and nobody counted them. */
  queueNotEmpty: (node: string) => makeReply(252, '2.0.0', `OK, pending messages for node ${node} started`),
  queuePending: (node: string, pending: number) =>
    makeReply(253, '2.0.0', `OK, ${pending} pending messages for node ${node} started`),
  queueUnable: (node: string) => makeReply(458, '4.3.0', `Unable to queue messages for node ${node}`),
  nodeNotAllowed: (node: string, reason: string) =>
    makeReply(459, '4.7.1', `Node ${node} not allowed: ${reason}`),

  // TURN and ATRN: RFC 821 §3.8, RFC 2645 §5.2.1
  turning: makeReply(250, '2.0.0', 'OK, now reversing the connection'),
  tooEager: makeReply(503, '5.5.1', 'Wait for the answer before you go on'),
  turnRefused: makeReply(502, '5.7.1', 'TURN is not for you'),
  atrnRefused: makeReply(450, '4.7.1', 'ATRN request refused'),
  atrnUnable: makeReply(451, '4.3.0', 'Unable to process ATRN request now'),
  atrnNoMail: makeReply(453, '4.0.0', 'You have no mail'),

  verifyNot: makeReply(252, '2.0.0', 'Cannot verify; send some mail and I shall try'),
  verified: makeAddressReply,

  // Trouble of ours: RFC 3463 §3.4, always temporary
  localTrouble: makeReply(451, '4.3.0', 'Local trouble; nothing was kept, try again later'),

  // XCLIENT and XFORWARD, as Postfix answers
  notForYou: makeReply(550, '5.7.0', 'Insufficient authorization'),

  // STARTTLS: RFC 3207 §4
  startTls: makeReply(220, '2.0.0', 'Ready to start TLS'),
  tlsAlready: makeReply(503, '5.5.1', 'TLS is already active'),
  tlsNotOffered: makeReply(502, '5.5.1', 'TLS is not offered here'),
  tlsFirst: makeReply(530, '5.7.0', 'Must issue a STARTTLS command first'),
  plaintextBehindTls: makeReply(554, '5.5.1', 'Nothing may follow STARTTLS before the handshake'),

  // AUTH: RFC 4954 §4 and §6
  /** Never cut, whatever its length: a challenge is base64, or ''. */
  challenge: (text: string): Reply => ({
    type: 'reply',
    code: 334,
    enhanced: null,
    lines: [text],
    wire: `334 ${text}\r\n`,
  }),
  authenticated: makeReply(235, '2.7.0', 'Authentication succeeded'),
  authCancelled: makeReply(501, '5.7.0', 'Authentication cancelled'),
  authMalformed: makeReply(501, '5.5.2', 'Not what this mechanism expects'),
  authLineTooLong: makeReply(500, '5.5.6', 'Authentication exchange line is too long'),
  authUnknownMechanism: makeReply(504, '5.5.4', 'Authentication mechanism not supported'),
  authNotOffered: makeReply(502, '5.5.1', 'Authentication is not offered here'),
  authAlready: makeReply(503, '5.5.1', 'Already authenticated'),
  authFirst: makeReply(530, '5.7.0', 'Authentication required'),
  authNeedsTls: makeReply(538, '5.7.11', 'Encryption required for requested authentication mechanism'),
  authFailed: makeReply(535, '5.7.8', 'Authentication credentials invalid'),
  authThrottled: makeReply(454, '4.7.0', 'Too many failed log-ins; wait and try again'),
  authUnavailable: makeReply(454, '4.7.0', 'Temporary authentication failure'),
  tooManyAuthFailures: makeReply(421, '4.7.0', 'Too many failed log-ins'),
} as const
