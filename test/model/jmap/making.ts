// What actions are made of: what they are given, and how they pick what they do.
import assert from 'node:assert/strict'
import type { JsonObject } from '../../../src/jmap/proto/json.ts'
import type { Dice } from '../imap/dice.ts'
import type { Scene } from './scene.ts'
import type { Mailbox, Place } from './shared-model.ts'

export interface Making {
  readonly scene: Scene
  readonly dice: Dice
  /** Which session of IMAP. */
  readonly who: number
}

export type Action = (making: Making) => Promise<void>

export const keywords = ['$seen', '$seen', '$flagged', '$answered', '$draft', 'word', '$junk', 'other']
export function selectable({ scene: { model } }: Making): Mailbox[] {
  return model.mailboxes.filter((one) => one.selectable)
}

export const quoted = ({ path }: Mailbox): string => `"${path}"`

/** Some messages of a mailbox that has any, selected. */
export async function pickMessages(
  making: Making,
): Promise<{ mailbox: Mailbox; places: Place[]; uids: string } | null> {
  const { scene, dice, who } = making
  const filled = selectable(making).filter((one) => scene.model.in(one).length > 0)
  if (filled.length === 0) return null
  const mailbox = dice.pick(filled)
  const all = scene.model.in(mailbox)
  const some = dice.some(all)
  const places = some.length === 0 ? [dice.pick(all)] : some
  await scene.imap(who, `SELECT ${quoted(mailbox)}`)
  return { mailbox, places, uids: places.map(({ uid }) => uid).join() }
}

export const idsOf = (mailboxes: readonly Mailbox[]): JsonObject =>
  Object.fromEntries(mailboxes.map(({ id }) => [id, true]))

export function someMailboxes(making: Making): Mailbox[] {
  const all = selectable(making)
  return [...new Set([making.dice.pick(all), ...(making.dice.oneIn(3) ? [making.dice.pick(all)] : [])])]
}

export function someKeywords(dice: Dice): string[] {
  return [...new Set(dice.some(keywords))].slice(0, dice.below(4))
}

export const allTrue = (names: readonly string[]): JsonObject =>
  Object.fromEntries(names.map((name) => [name, true]))

/** The object that was created. */
export function madeIn(told: JsonObject, key: string): JsonObject {
  const made = (told['created'] as JsonObject | null)?.[key] as JsonObject | undefined
  assert.ok(made, JSON.stringify(told))
  return made
}
