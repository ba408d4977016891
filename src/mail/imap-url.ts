// IMAP URLs (RFC 5092) that name a message or a part of one, with the authorisation of RFC 4467 and the stretch of RFC 5550 §3.2.
//
// Refuses URLs of servers, lists, whole mailboxes and searches, which nothing here reads, and whatever cannot be decoded. What is
// relative is relative to a mailbox (RFC 5092 §7.2) that the caller knows.
import { Buffer, isUtf8 } from 'node:buffer'

/** Who may use an authorised URL (RFC 4467 §3): `submit+user`, `user+user`, `authuser` or `anonymous`. */
export interface UrlAccess {
  readonly type: 'submit' | 'user' | 'authuser' | 'anonymous'
  /** Of `submit` and `user`. */
  readonly user: string | null
}

export interface UrlAuthorization {
  readonly access: UrlAccess
  /** Null: a URL to be authorised. */
  readonly token: { readonly mechanism: string; readonly value: string } | null
  /** The URL as it stood, without mechanism and token (RFC 4467 §6, "rump URL"). */
  readonly rump: string
}

export interface ImapUrl {
  /** Null of a relative URL: this server. */
  readonly server: {
    readonly user: string | null
    readonly host: string
    readonly port: number | null
  } | null
  /** Unicode; null: the mailbox that is selected. */
  readonly mailbox: string | null
  readonly uidValidity: number | null
  readonly uid: number
  /** The section as BODY[…] has it, decoded; '' is the whole message. */
  readonly section: string
  /** RFC 5092 §6: from octet `start`, `length` octets or all. */
  readonly partial: { readonly start: number; readonly length: number | null } | null
  /** Milliseconds since the epoch. */
  readonly expires: number | null
  readonly authorization: UrlAuthorization | null
}

const longest = 4_000

/** Parses; undefined for all that does not name a message or a part. */
export function tryImapUrl(text: string): ImapUrl | undefined {
  if (text.length > longest || /[^\x21-\x7e]/.test(text)) return undefined
  const absolute = /^imap:\/\/(?:([^@/]*)@)?([^@/:[\]]+|\[[^\]/@]+\])(?::([0-9]{1,5}))?(\/.*)$/i.exec(text)
  const path = absolute === null ? text : (absolute[4] ?? '')
  if (absolute === null && /^[a-z][a-z0-9+.-]*:/i.test(text)) return undefined
  const server = absolute === null ? null : tryServer(absolute)
  if (server === undefined) return undefined
  const message = tryMessage(path)
  if (message === undefined) return undefined
  const authorization = tryAuthorization(text)
  return authorization === undefined ? undefined : { server, ...message, authorization }
}

function tryServer([, userInfo, host, port]: RegExpExecArray): ImapUrl['server'] | undefined {
  // RFC 5092 §3.2: `iuserinfo = enc-user [iauth] / [enc-user] iauth`
  const user = userInfo === undefined ? null : decode(userInfo.replace(/;AUTH=.*$/i, ''))
  if (user === undefined || host === undefined) return undefined
  return {
    user: user === '' ? null : user,
    host: host.toLowerCase(),
    port: port === undefined ? null : Number(port),
  }
}

// RFC 5092 §11: `imessagepart = enc-mailbox [uidvalidity] iuid [isection] [ipartial]`, `ipath-query`; with RFC 4467 §9 behind.
const message =
  /^(.*?)(?:;UIDVALIDITY=([0-9]{1,10}))?\/?;UID=([0-9]{1,10})(?:\/?;SECTION=([^;]*?))?(?:\/?;PARTIAL=([0-9]{1,15})(?:\.([0-9]{1,15}))?)?(?:;EXPIRE=([^;]+))?(?:;URLAUTH=.*)?$/i

type Message = Omit<ImapUrl, 'server' | 'authorization'>

function tryMessage(path: string): Message | undefined {
  const found = message.exec(path)
  if (found === null) return undefined
  const [, place = '', validity, uid, section = '', start, length, expire] = found
  const mailbox = tryMailbox(place)
  const decoded = decode(section)
  const expires = expire === undefined ? null : Date.parse(expire)
  const number = Number(uid)
  if (mailbox === undefined || decoded === undefined || Number.isNaN(expires)) return undefined
  if (number < 1 || number > 0xffff_ffff) return undefined
  const part = { start: Number(start), length: length === undefined ? null : Number(length) }
  return {
    mailbox,
    uidValidity: validity === undefined ? null : Number(validity),
    uid: number,
    section: decoded,
    partial: start === undefined ? null : part,
    expires,
  }
}

/** Null where none is named; undefined where it cannot be decoded. */
function tryMailbox(place: string): string | null | undefined {
  const name = place.replace(/^\//, '')
  return name === '' ? null : decode(name)
}

function tryAuthorization(text: string): UrlAuthorization | null | undefined {
  const at = text.search(/;URLAUTH=/i)
  if (at === -1) return null
  const [name = '', mechanism, value, ...more] = text.slice(at + ';URLAUTH='.length).split(':')
  const access = tryAccess(name)
  if (access === undefined || more.length > 0) return undefined
  const rump = text.slice(0, at + ';URLAUTH='.length + name.length)
  if (mechanism === undefined) return { access, token: null, rump }
  // RFC 4467 §9: `uauth-token = 32*HEXDIG`
  if (value === undefined || !/^[0-9a-f]{32,200}$/i.test(value)) return undefined
  return { access, token: { mechanism: mechanism.toUpperCase(), value: value.toLowerCase() }, rump }
}

function tryAccess(text: string): UrlAccess | undefined {
  const name = text.toLowerCase()
  if (name === 'authuser' || name === 'anonymous') return { type: name, user: null }
  const found = /^(submit|user)\+(.+)$/i.exec(text)
  const user = found === null ? undefined : decode(found[2] ?? '')
  if (found === null || user === undefined) return undefined
  return { type: name.startsWith('submit') ? 'submit' : 'user', user }
}

/** RFC 3986 §2.1 of UTF-8; undefined where it is none. */
function decode(text: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined
  const binary = text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  const octets = Buffer.from(binary, 'latin1')
  return isUtf8(octets) && !binary.includes('\0') ? octets.toString('utf8') : undefined
}
