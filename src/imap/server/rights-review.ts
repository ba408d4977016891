// Rights in the selected mailbox that were changed by someone else (RFC 4314 §5.1.1): looked at again before the next command and
// before anything is told.
import { allSystemFlags } from '../proto/encode/flags.ts'
import { permanentFlags } from './permanent-flags.ts'
import type { Output } from './output.ts'
import type { SessionContext } from './context.ts'

/**
 * `lost`: the session may not read the mailbox any more, and must be told nothing of it. Otherwise what changed is told: a server that
 * checks rights with each command "SHOULD send FLAGS and PERMANENTFLAGS responses if they have changed".
 */
export async function reviewRights(session: SessionContext, output: Output): Promise<'held' | 'lost'> {
  const { account, parts, selected } = session
  if (selected === null || !selected.rightsInDoubt) return 'held'
  const { account: owner, mailbox } = selected
  const rights = await parts.store.rightsIn({ viewer: account.id, account: owner, mailbox })
  // What is in doubt stays so until the session has ended, unless the mailbox itself is gone.
  if (!rights.includes('r')) return selected.rightsInDoubt ? 'lost' : 'held'
  const before = permanentFlags(selected)
  selected.setRights(rights)
  const now = permanentFlags(selected)
  if (now !== before) {
    const flags = [allSystemFlags, ...selected.keywords.all].join(' ')
    await output.text(`* FLAGS (${flags})\r\n* OK [PERMANENTFLAGS (${now})] Your rights have changed\r\n`)
    await output.end()
  }
  return 'held'
}
