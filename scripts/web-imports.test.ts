import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkWebImports } from './web-imports.ts'

const messages = (path: string, text: string): string[] =>
  checkWebImports([{ path, text }]).map(({ message }) => message)

test('a page takes its own folder, what is shared, packages, and types of the APIs', () => {
  const text = `import './x.css'
import { render } from 'preact'
import { Button } from '../shared/ui/button.tsx'
import { other } from './other.ts'
import type { SessionState } from '../../src/http/api/account.ts'
`
  assert.deepEqual(messages('web/account/main.tsx', text), [])
})

test('it takes no other page, no code of the server, and no types of its insides', () => {
  assert.match(
    messages('web/admin/main.tsx', `import { Row } from '../webmail/row.tsx'`).join(),
    /nothing of each other/,
  )
  assert.match(
    messages('web/shared/api.ts', `import { Row } from '../webmail/row.tsx'`).join(),
    /nothing of each other/,
  )
  assert.match(
    messages('web/admin/main.tsx', `import { x } from '../../src/http/api/account.ts'`).join(),
    /types alone/,
  )
  assert.match(
    messages('web/admin/main.tsx', `import type { Store } from '../../src/store/store.ts'`).join(),
    /over HTTP/,
  )
})
