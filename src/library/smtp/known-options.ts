// Options that there are not: a program that brings one along from smtp-server or nodemailer is told so when it starts, rather than
// believing that it holds.
import { nearest } from '../../config/nearest.ts'

/** Throws a TypeError that names the first option that is not `known`, and why, or what else to do, where `absent` says it. */
export function refuseUnknown(
  what: string,
  options: object,
  words: { readonly known: readonly string[]; readonly absent: Readonly<Record<string, string>> },
): void {
  const strange = Object.keys(options).find((name) => !words.known.includes(name))
  if (strange === undefined) return
  const reason = Object.hasOwn(words.absent, strange) ? words.absent[strange] : undefined
  if (reason !== undefined) throw new TypeError(`${what} has no option ${strange}: ${reason}`)
  const near = nearest(strange, words.known)
  throw new TypeError(
    `${what} has no option ${strange}${near === undefined ? '' : `; did you mean ${near}?`} docs/library.md lists those that there are.`,
  )
}
