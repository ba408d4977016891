// All commands, by name. Help, the reference and the test that every command has a transcript derive from it.
import { auth } from './auth.ts'
import { capa, lang, stls, utf8 } from './capabilities.ts'
import { list, stat, uidl } from './listing.ts'
import { apop, pass, user } from './log-in.ts'
import { dele, retr, rset, top } from './messages.ts'
import { noop, quit } from './simple.ts'
import type { Command } from './command.ts'

const rows: readonly Command[] = [
  apop,
  auth,
  capa,
  dele,
  lang,
  list,
  noop,
  pass,
  quit,
  retr,
  rset,
  stat,
  stls,
  top,
  uidl,
  user,
  utf8,
]

export const commandTable: ReadonlyMap<string, Command> = new Map(rows.map((row) => [row.name, row]))
