// Commands on the messages of the selected mailbox, by name.
import { close, expunge, unselect } from './expunge.ts'
import { copyOrMove } from './transfer.ts'
import { fetch } from './fetch.ts'
import { store } from './store-flags.ts'
import type { MessageRequest } from '../../proto/requests/message.ts'
import type { SelectedCommands } from '../context.ts'

export const messageCommands: SelectedCommands<MessageRequest['name']> = {
  FETCH: fetch,
  STORE: store,
  COPY: copyOrMove,
  MOVE: copyOrMove,
  EXPUNGE: expunge,
  CLOSE: close,
  UNSELECT: unselect,
}
