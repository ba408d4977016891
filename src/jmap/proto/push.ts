// What is pushed (RFC 8620 §7), and how a client says up to where it has heard: StateChange objects, and tokens that stand for the state of
// everything a user sees (§7.3 event ids, RFC 8887 §4.3.5.1 pushState).
//
// A token holds a few characters of a hash of each state, by account and type. States that hash alike by chance (2^-30) would be
// missed until the next change; a client finds out with its next request in any case (RFC 8620 §7).
import { createHash } from 'node:crypto'
import type { JsonObject } from './json.ts'

/** By account, then by type: the state that /get would tell. */
export type States = ReadonlyMap<string, ReadonlyMap<string, string>>

/** RFC 8620 §7.1. */
export function stateChange(changed: States): JsonObject {
  return {
    '@type': 'StateChange',
    changed: Object.fromEntries([...changed].map(([account, types]) => [account, Object.fromEntries(types)])),
  }
}

const hashLength = 5
/** In place of the hash of a state that is not known. */
const unknown = '-'.repeat(hashLength)

function hashOf(state: string): string {
  return createHash('sha256').update(state).digest('base64url').slice(0, hashLength)
}

/** `types`: all there are, in an order that stays. */
export function encodeStates(states: States, types: readonly string[]): string {
  return [...states]
    .map(([account, known]) => {
      const hashes = types.map((type) => {
        const state = known.get(type)
        return state === undefined ? unknown : hashOf(state)
      })
      return `${account}.${hashes.join('')}`
    })
    .join('.')
}

/** Those of `states` that a token does not stand for: all of them where it is none of ours. */
export function statesSince(states: States, token: string, types: readonly string[]): States {
  const words = token.split('.')
  const told = new Map<string, string>()
  for (let at = 0; at + 1 < words.length; at += 2) told.set(words[at] ?? '', words[at + 1] ?? '')
  const changed = new Map<string, ReadonlyMap<string, string>>()
  for (const [account, known] of states) {
    const hashes = told.get(account) ?? ''
    const news = [...known].filter(([type, state]) => {
      const at = types.indexOf(type) * hashLength
      return (
        hashes.length !== types.length * hashLength || hashes.slice(at, at + hashLength) !== hashOf(state)
      )
    })
    if (news.length > 0) changed.set(account, new Map(news))
  }
  return changed
}
