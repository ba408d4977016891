// Every command there is, as one program. Each command's help is its documentation; docs/generated/cli.md is made from it.
import type { Command } from 'commander'
import {
  addAccountCommands,
  addAliasCommands,
  addDomainCommands,
  addServerCommands,
} from './admin-commands.ts'
import { addAttachCommand } from './attach-command.ts'
import { makeBaseProgram } from './base-program.ts'
import { addCatcherCommands } from './catcher-commands.ts'
import { addCollectCommand } from './collect-command.ts'
import { addConfigCommands } from './config-command.ts'
import { addIndexCommand } from './index-command.ts'
import { addNotes } from './command-notes.ts'
import type { Io } from './io.ts'
import { addLiveCommands } from './live-commands.ts'
import { addMailCommands } from './mail-commands.ts'
import { addQueueCommands } from './queue-commands.ts'
import { addSameWords } from './same-words.ts'
import { addSendmailCommand } from './sendmail-command.ts'
import { addServeCommands } from './serve-commands.ts'
import { addTransferCommands } from './transfer-commands.ts'

/** The whole command line, over the given streams. */
export function makeProgram(io: Io): Command {
  const program = makeBaseProgram(io)
  addServeCommands(program, io)
  addDomainCommands(program, io)
  addAccountCommands(program, io)
  addAliasCommands(program, io)
  addMailCommands(program, io)
  addAttachCommand(program, io)
  addSendmailCommand(program, io)
  addQueueCommands(program, io)
  addCatcherCommands(program, io)
  addCollectCommand(program, io)
  addIndexCommand(program, io)
  addTransferCommands(program, io)
  addServerCommands(program, io)
  addLiveCommands(program, io)
  addConfigCommands(program, io)
  addSameWords(program, io)
  addNotes(program)
  return program
}
