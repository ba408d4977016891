// Changes of keywords and mailboxes as `Email/set` takes them (RFC 8620 §5.3 PatchObject), done to an email here, and undone.
import type { Email, Id } from '../../shared/jmap/types.ts'

/** `mailboxIds/x` and `keywords/x` alone. */
export type Patch = Readonly<Record<string, true | null>>

/** What a patch changes of an email. */
export type Placed = Pick<Email, 'id' | 'mailboxIds' | 'keywords'>

function parsePath(path: string): { property: 'mailboxIds' | 'keywords'; name: string } {
  const [property = '', ...rest] = path.split('/')
  const name = rest.join('/').replaceAll('~1', '/').replaceAll('~0', '~')
  return { property: property === 'mailboxIds' ? 'mailboxIds' : 'keywords', name }
}

export function applyPatch(email: Email, patch: Patch): Email {
  const changed = { mailboxIds: { ...email.mailboxIds }, keywords: { ...email.keywords } }
  for (const [path, value] of Object.entries(patch)) {
    const { property, name } = parsePath(path)
    if (value === null) delete changed[property][name]
    else changed[property][name] = true
  }
  return { ...email, ...changed }
}

/** What undoes a patch of that email. */
export function inversePatch(email: Placed, patch: Patch): Patch {
  const inverse: Record<string, true | null> = {}
  for (const path of Object.keys(patch)) {
    const { property, name } = parsePath(path)
    inverse[path] = email[property][name] === true ? true : null
  }
  return inverse
}

/** What moves an email into a mailbox and out of all others, but not out of Sent unless that is `here`. Null: it is there already. */
export function movePatch(
  email: Placed,
  target: Id,
  { here, sent }: { here: Id | null; sent: Id | undefined },
): Patch | null {
  if (email.mailboxIds[target] === true) return null
  const patch: Record<string, true | null> = { [`mailboxIds/${pointerToken(target)}`]: true }
  for (const id of Object.keys(email.mailboxIds)) {
    if (id === here || here === null || id !== sent) patch[`mailboxIds/${pointerToken(id)}`] = null
  }
  return patch
}

/** RFC 6901 §3: a keyword or id as part of a path. */
export function pointerToken(text: string): string {
  return text.replaceAll('~', '~0').replaceAll('/', '~1')
}
