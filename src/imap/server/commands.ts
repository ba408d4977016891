// Every request by name, and what does it. An extension adds a row to the table of its room.
import { bad } from './context.ts'
import { mailboxCommands } from './mailboxes/commands.ts'
import { messageCommands } from './messages/commands.ts'
import { multiSearchCommands, searchCommands } from './search/commands.ts'
import { sessionCommands } from './session-commands.ts'
import { urlCommands } from './urls/commands.ts'
import type { CommandRun, Done } from './context.ts'
import type { ImapRequest } from '../proto/commands/command.ts'
import type { Selected } from './messages/selected.ts'

const anywhere = { ...sessionCommands, ...mailboxCommands, ...urlCommands, ...multiSearchCommands }
const onSelected = { ...messageCommands, ...searchCommands }

/** ID may come before log-in, when there is no session to run in: the handler answers it. */
export type WithSession = Exclude<ImapRequest, { readonly name: 'ID' }>

type Anywhere = keyof typeof anywhere
type OnSelected = keyof typeof onSelected

/** The two tables have every request between them: this line does not compile where one is missing. */
type Missing = Exclude<WithSession['name'], Anywhere | OnSelected>
const nothingIsMissing: [Missing] extends [never] ? true : Missing = true

function isAnywhere(name: WithSession['name']): name is Anywhere {
  return Object.hasOwn(anywhere, name)
}

export function perform(run: CommandRun, request: WithSession): Done | Promise<Done> {
  void nothingIsMissing
  const { name } = request
  const { selected } = run.session
  // A row takes the request of its own name, which the index by name loses for the compiler.
  if (isAnywhere(name)) return (anywhere[name] as Row)(run, request)
  if (selected === null) return bad('No mailbox is selected')
  return (onSelected[name] as SelectedRow)(run, selected, request)
}

type Row = (run: CommandRun, request: ImapRequest) => Done | Promise<Done>
type SelectedRow = (run: CommandRun, selected: Selected, request: ImapRequest) => Done | Promise<Done>
