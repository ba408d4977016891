// Special uses of a mailbox as CREATE asks for them (RFC 6154 §3, §6).
import type { Cursor } from './cursor.ts'

/** `[create-params]`, `create-param =/ "USE" SP "(" [use-attr *(SP use-attr)] ")"`: the attributes as written. */
export function parseUses(cursor: Cursor): string[] {
  if (!cursor.take(' ')) return []
  const uses = new Set<string>()
  cursor.list({ most: 5, empty: false, what: 'parameters' }, () => {
    if (cursor.keyword('a parameter') !== 'USE') cursor.fail('unknown parameter')
    cursor.sp()
    const named = cursor.list({ most: 20, empty: true, what: 'attributes' }, () => {
      // `use-attr = … / "\" atom`
      cursor.expect('\\')
      return `\\${cursor.atom('an attribute')}`
    })
    for (const use of named) uses.add(use)
  })
  return [...uses]
}
