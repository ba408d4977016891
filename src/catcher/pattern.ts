// Regular expressions that people write (rules of chaos, who is accepted, who mail is released to), asked about text that strangers write. An
// expression that tries too many ways (`(a+)+$`) would stop the whole server, so:
//
// - text is cut to what an address or a subject can be;
// - an expression with more than one repetition, or one of a group, is given so much time and no more, by V8's own watch; one that takes
//   longer counts as `late` says. All others cannot take more than the square of the text, and are asked as they are.
import { createContext, Script } from 'node:vm'

/** Characters of a text that are looked at. */
const longestText = 1000
/** Milliseconds for one answer. */
const longestTime = 25

const asking = new Script('expression.test(text)')

/** Whether a text matches, without regard to case; `late`: what holds where that takes too long. Throws as RegExp does where the pattern is none. */
export function compilePattern(
  pattern: string,
  { late = false }: { readonly late?: boolean } = {},
): (text: string) => boolean {
  const expression = new RegExp(pattern, 'iu')
  if (!mayTryManyWays(pattern)) return (text) => expression.test(text.slice(0, longestText))
  const room = createContext({ expression, text: '' })
  return (text) => {
    room['text'] = text.slice(0, longestText)
    try {
      return asking.runInContext(room, { timeout: longestTime }) === true
    } catch {
      // It took too long.
      return late
    }
  }
}

function mayTryManyWays(pattern: string): boolean {
  const plain = pattern
    .replaceAll(/\\./gs, 'x')
    .replaceAll(/\[[^\]]*\]/g, 'x')
    .replaceAll(/\(\?(?:[:=!]|<[=!]|<[^>]*>)/g, '(')
  return /\)[*+?{]/.test(plain) || (plain.match(/[*+?{]/g)?.length ?? 0) > 1
}
