// Addresses as people write them: `ann@x.test`, `Ann Smith <ann@x.test>`, `"Smith, Ann" <ann@x.test>`, several with commas or semicolons.
import type { EmailAddress } from '../../shared/jmap/types.ts'

/** Text between commas and semicolons that stand outside of quotes and brackets. */
function split(text: string): string[] {
  const parts: string[] = []
  let part = ''
  let quoted = false
  let inside = false
  for (const character of text) {
    if (character === '"' && !part.endsWith('\\')) quoted = !quoted
    else if (character === '<' && !quoted) inside = true
    else if (character === '>' && !quoted) inside = false
    if ((character === ',' || character === ';' || character === '\n') && !quoted && !inside) {
      parts.push(part)
      part = ''
    } else part += character
  }
  return [...parts, part].map((one) => one.trim()).filter((one) => one !== '')
}

export function parseAddresses(text: string): EmailAddress[] {
  return split(text).map((one) => {
    const match = /^(.*?)\s*<([^<>]*)>$/s.exec(one)
    if (match === null) return { name: null, email: one }
    const name = (match[1] ?? '')
      .trim()
      .replace(/^"(.*)"$/s, '$1')
      .replaceAll('\\"', '"')
    return { name: name === '' ? null : name, email: (match[2] ?? '').trim() }
  })
}

/** Whether it can be one: the server is the judge of what is. */
export function looksLikeAddress(email: string): boolean {
  return /^[^\s@]+@[^\s@]+$/.test(email)
}

export function formatAddress({ name, email }: EmailAddress): string {
  if (name === null || name === '') return email
  return /[",;<>@]/.test(name) ? `"${name.replaceAll('"', '\\"')}" <${email}>` : `${name} <${email}>`
}

export function formatAddresses(people: readonly EmailAddress[] | null): string {
  return (people ?? []).map(formatAddress).join(', ')
}
