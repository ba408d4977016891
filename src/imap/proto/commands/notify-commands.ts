// NOTIFY (RFC 5465).
import { afterLogin, command, request } from './command.ts'
import { notifyEvents, parseNotify } from '../grammar/notify.ts'

/** RFC 5465 §3.1 */
export const notify = command({
  name: 'NOTIFY',
  states: afterLogin,
  syntax: parseNotify,
  run: (wanted) =>
    wanted?.unsupported === true
      ? {
          do: 'answer',
          status: 'NO',
          code: `BADEVENT (${notifyEvents.join(' ')})`,
          text: 'Not all of these events are told here',
        }
      : request({ name: 'NOTIFY', wanted }),
})
