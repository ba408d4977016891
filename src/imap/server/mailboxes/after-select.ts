// What follows the answers of SELECT for a client that comes back (RFC 7162 §3.2.5).
import { resynchronize } from '../messages/resync.ts'
import type { CommandRun } from '../context.ts'
import type { Mailbox } from '../../../store/model.ts'
import type { Resynchronization } from '../../proto/grammar/select.ts'
import type { Selected } from '../messages/selected.ts'

/** Tells the client what it missed; `mailbox` as it was when it was opened. */
export async function afterSelect(
  run: CommandRun,
  selected: Selected,
  options: { readonly mailbox: Mailbox; readonly resync: Resynchronization | null },
): Promise<void> {
  const { mailbox, resync } = options
  if (resync !== null) await resynchronize(run, selected, { mailbox, resync })
}
