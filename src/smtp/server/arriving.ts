// The beginning of a session: who is there, and whether he waits to be greeted.
//
// A client that speaks before the greeting (RFC 5321 §4.3.1: it MUST wait) is a program that sends blindly: spam, or something that
// was made to speak to a port that it does not know. Port 25 waits a moment to see that.
import { inNetworks } from '../../base/ip-network.ts'
import * as smtpEvents from '../../events/smtp.ts'
import { goOn, type SmtpAnswer, type SmtpClient } from '../proto/questions.ts'
import { replies } from '../proto/reply.ts'
import { refuse, type SessionContext } from './context.ts'
import type { PolicyStage } from './policy-stage.ts'
import { findReverseName } from './reverse-name.ts'

/** Answers `connect`. */
export function welcome(
  context: SessionContext,
  { client, policy }: { client: SmtpClient; policy: PolicyStage | null },
): SmtpAnswer | Promise<SmtpAnswer> {
  const name = lookUpName(context)
  if (policy === null && !mustWait(context)) return goOn
  return context.guard('connect', async () => {
    if (mustWait(context) && !(await waitsForGreeting(context))) {
      context.emit(smtpEvents.earlyTalker, context.who())
      return refuse(replies.earlyTalker)
    }
    if (policy === null) return goOn
    // A filter decides by the name; without one nobody waits for it.
    await name
    return (await policy.connect(client)) ?? goOn
  })
}

/** Begins to look the client's name up; resolves when it is known, or known not to be. */
export function lookUpName(context: SessionContext): Promise<void> {
  const { parts, peer } = context
  if (parts.resolver === null) return Promise.resolve()
  return findReverseName(parts.resolver, peer.remoteAddress).then((name) => {
    // Somebody else speaks here by now.
    if (context.peer === peer) context.remoteName = name
  })
}

function mustWait({ parts, peer }: SessionContext): boolean {
  return parts.role === 'mx' && parts.smtp.greetDelay > 0 && !inNetworks(parts.exempt, peer.remoteAddress)
}

async function waitsForGreeting({ parts, sink }: SessionContext): Promise<boolean> {
  if (sink.held > 0) return false
  try {
    await parts.clock.sleep(parts.smtp.greetDelay, sink.gone)
  } catch (error) {
    // Gone while it waited: nobody hears the answer.
    if (!sink.gone.aborted) throw error
  }
  return sink.held === 0
}
