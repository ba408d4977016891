// XCLIENT and XFORWARD, as Postfix documents them: a listed peer says for whom it speaks (XCLIENT: the session goes on as that
// client's) or where a message came from (XFORWARD: for the log and the trace alone). Attributes are `NAME=xtext`; a value in
// brackets says that the peer does not know.
//
// Refused: peers that are not listed (550), attributes that were not offered, and values that could not be true (501).
import { tryAttributes, xclientAttributes, xforwardAttributes } from '../proxy-attributes.ts'
import { replies } from '../reply.ts'
import { ask, refusalIn, type Session, type Step } from '../session.ts'
import type { Command } from './command.ts'

export const xclient: Command = {
  name: 'XCLIENT',
  states: ['new', 'ready'],
  syntax: 'XCLIENT attribute=value [attribute=value]',
  help: 'Goes on as the session of another client.',
  needs: 'nothing',
  absent: ({ settings }) => (settings.offers.xclient ? null : replies.notForYou),
  run: (session, argument) => {
    const attributes = tryAttributes(argument, xclientAttributes)
    if (attributes === undefined) return replies.syntax(xclient.syntax)
    return ask({ type: 'xclient', client: session.client, attributes }, (reply) => {
      if (refusalIn(reply) !== null) return reply
      return startAnew(session, attributes)
    })
  },
}

export const xforward: Command = {
  name: 'XFORWARD',
  states: ['new', 'ready'],
  syntax: 'XFORWARD attribute=value [attribute=value]',
  help: 'Tells where the next message came from.',
  needs: 'nothing',
  absent: ({ settings }) => (settings.offers.xforward ? null : replies.notForYou),
  run: (session, argument) => {
    const attributes = tryAttributes(argument, xforwardAttributes)
    if (attributes === undefined) return replies.syntax(xforward.syntax)
    return ask({ type: 'xforward', client: session.client, attributes }, (reply) => reply ?? replies.ok)
  },
}

/** Postfix: the session goes back to where a connection begins, with what was said of the client. */
function startAnew(session: Session, attributes: ReadonlyMap<string, string | null>): Step {
  const { client, settings } = session
  client.name = attributes.get('HELO') ?? ''
  client.extended = client.name !== '' && attributes.get('PROTO') === 'ESMTP'
  client.username = attributes.get('LOGIN') ?? null
  session.forgive(attributes.get('ADDR') ?? null)
  session.messages = 0
  session.domains.clear()
  return replies.greeting(settings.hostName, settings.dialect)
}
