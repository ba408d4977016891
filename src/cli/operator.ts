// Who runs a command, for the log of the server: his name on this machine, and behind sudo the name that he logged in under. Whoever may
// open the data folder may say what he likes here; it is for colleagues, not against them.
import { userInfo } from 'node:os'
import type { Operator } from '../base/operator.ts'

export function commandOperator(env: Readonly<Record<string, string | undefined>>): Operator {
  const sudo = env['SUDO_USER'] ?? ''
  const user = userName()
  const name = sudo === '' || sudo === user ? user : `${user} (${sudo})`
  return { name: name.replaceAll(/[\0-\x1f\x7f]/g, '?'), via: 'command-line', remoteAddress: null }
}

/** A user without an entry in the system's list, as in many containers, has a number alone. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `user ${process.getuid?.() ?? ''}`.trim()
  }
}
