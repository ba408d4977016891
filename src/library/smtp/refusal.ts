// How functions of a program refuse what an SMTP client asked, and how that becomes a reply.
import { makeReply, type Reply } from '../../smtp/proto/reply.ts'

/**
 * Thrown by a function of `SmtpServerOptions`: the client hears code and text. 4yz asks it to try again later, 5yz says never (RFC 5321
 * §4.2.1). A text that begins with an enhanced status code (RFC 3463), `5.7.1 Go away`, says that code.
 */
export class SmtpRefusal extends Error {
  override name = 'SmtpRefusal'
  readonly responseCode: number
  constructor(responseCode: number, message: string) {
    super(message)
    this.responseCode = responseCode
  }
}

/** What an error that names no code is answered with, by what was asked. */
export const usualCodes = { connect: 554, secure: 454, auth: 535, mail: 550, rcpt: 550, data: 450 } as const

export type RefusedStage = keyof typeof usualCodes

const enhancedCode = /^([245]\.\d{1,3}\.\d{1,3}) +/
const longestText = 10

/** Of whatever was thrown: its `responseCode` where it has one that refuses, and its message, made safe for the wire. */
export function refusalReply(error: unknown, stage: RefusedStage): Reply {
  const { responseCode, message } = (typeof error === 'object' && error !== null ? error : {}) as {
    responseCode?: unknown
    message?: unknown
  }
  const named = typeof responseCode === 'number' && Number.isInteger(responseCode) ? responseCode : 0
  const code = named >= 400 && named < 600 ? named : usualCodes[stage]
  return textReply(code, typeof message === 'string' && message !== '' ? message : 'Refused')
}

/** A reply of a text of one or more lines. Its enhanced code is that of the text where the class agrees, else `class.0.0`. */
export function textReply(code: number, text: string): Reply {
  const family = String(code).charAt(0)
  const given = enhancedCode.exec(text)
  const agrees = given?.[1]?.startsWith(family) === true
  const enhanced = agrees ? (given?.[1] ?? null) : `${family}.0.0`
  const rest = agrees ? text.slice(given?.[0].length) : text
  // A line break in a text is a line of the reply, never the end of it.
  const lines = rest.split(/\r\n|[\r\n]/).slice(0, longestText)
  return makeReply(code, enhanced, lines)
}
