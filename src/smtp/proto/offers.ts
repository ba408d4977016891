// What a listener offers beyond the core of SMTP: one key for each extension and each verb that an operator may switch.
// The EHLO response, HELP, the reading of parameters and the dispatch all look here, so that what is shown is honoured and
// nothing else is: a parameter of an extension that is off is refused with 555 (RFC 5321 §4.1.1.11), a verb with 502.
//
// Made for each connection where a key depends on the peer (`turn`, `xclient`, `xforward`).
import type { Clock } from '../../base/clock.ts'

/** False or null: not offered. */
export interface SmtpOffers {
  /** RFC 3461: RET, ENVID, NOTIFY, ORCPT. */
  readonly dsn: boolean
  /** RFC 8689: shown and taken under TLS alone. */
  readonly requireTls: boolean
  /** RFC 4865: for submission alone. */
  readonly futureRelease: FutureReleaseOffer | null
  /** RFC 2852. */
  readonly deliverBy: DeliverByOffer | null
  /** RFC 6710. */
  readonly priority: PriorityOffer | null
  /** RFC 3865. */
  readonly noSoliciting: NoSolicitingOffer | null
  /** RFC 7293. */
  readonly requireValidSince: boolean
  /** RFC 5321 §3.5.2: EXPN is named in the EHLO response. Off, it is answered as ever: by the handler, or with 252. */
  readonly expand: boolean
  /** RFC 821 §3.4: SEND, SOML and SAML. */
  readonly terminals: boolean
  /** RFC 821 §3.8: for a peer that has shown who it is. */
  readonly turn: boolean
  /** RFC 1985. */
  readonly etrn: boolean
  /** RFC 2645. */
  readonly atrn: boolean
  /** RFC 4468: IMAP URLs of this host are read, plain and with URLAUTH; its name. For submission alone. */
  readonly burl: string | null
  /** For listed peers: they speak for others. */
  readonly xclient: boolean
  /** For listed peers: they tell where a message came from. */
  readonly xforward: boolean
}

/** RFC 4865 §3. */
export interface FutureReleaseOffer {
  /** The longest time that a message may be held, in seconds; at most 999,999,999 (RFC 4865 §4.1: nine digits). */
  readonly maxInterval: number
  /** For `max-future-release-date-time` and the check of HOLDUNTIL against it. */
  readonly clock: Pick<Clock, 'now'>
}

/** RFC 2852 §4. */
export interface DeliverByOffer {
  /** The shortest time that `BY=…;R` may ask for, in seconds; 0 is no minimum. */
  readonly minimum: number
}

/** RFC 6710 §3. */
export interface PriorityOffer {
  /** The profile's registered name, for example `MIXER`; '' names none. */
  readonly profile: string
}

/** RFC 3865 §2. */
export interface NoSolicitingOffer {
  /** Classes of solicitation that are not wanted by anyone here; empty where each recipient has his own. */
  readonly keywords: readonly string[]
}

/** Nothing beyond the core. */
export const noOffers: SmtpOffers = {
  dsn: false,
  requireTls: false,
  futureRelease: null,
  deliverBy: null,
  priority: null,
  noSoliciting: null,
  requireValidSince: false,
  expand: false,
  terminals: false,
  turn: false,
  etrn: false,
  atrn: false,
  burl: null,
  xclient: false,
  xforward: false,
}
