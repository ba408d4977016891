// Row types are the author's word. This reads the operations' sources, prepares each query against the real schema, and
// compares the names of its columns with those of the row type that it was given.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { migrate } from '../sqlite/migrate.ts'
import { objectColumns } from './objects.ts'
import { uploadColumns } from './uploads.ts'
import { queueMessageColumns, queueRecipientColumns } from './queue-rows.ts'
import { accountColumns, gathered, mailboxColumns, messageColumns } from './rows.ts'

interface Query {
  readonly file: string
  readonly rowType: string
  readonly text: string
}

/** Pieces that stand for more than a value, and something of the same shape. */
const pieces: Record<string, string> = {
  queueMessageColumns: queueMessageColumns.sqlite.join(''),
  queueRecipientColumns: queueRecipientColumns.sqlite.join(''),
  row: '1 = 1',
  message: '1 = 1',
  open: '1 = 1',
  isDue: '1 = 1',
  lost: '1 = 1',
  again: 'holder = NULL',
  poison: '1 = 1',
  takenAtOnce: '',
  oneAtATime: '',
  accountColumns: accountColumns.sqlite.join(''),
  objectColumns: objectColumns.sqlite.join(''),
  uploadColumns: uploadColumns.sqlite.join(''),
  mailboxColumns: mailboxColumns.sqlite.join(''),
  messageColumns: messageColumns.sqlite.join(''),
  forUpdate: '',
  here: '',
  only: '',
  most: '',
  where: '1 = 1',
  these: '1 = 1',
  gathered: gathered.sqlite.join(''),
  orphans: 'email INDEXED BY email_orphan',
  packedRows: 'SELECT 1 AS uid, 1 AS packed',
  listed: '(SELECT 1 AS value)',
}

function queries(): Query[] {
  const folder = new URL('./', import.meta.url)
  const names = readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  return [...names, '../audit.ts', '../audit-queue.ts'].flatMap((file) => {
    const source = readFileSync(new URL(file, folder), 'utf8')
    const found = source.matchAll(
      /\b(?:get|all)<((?:[^`<>]|<[^<>]*>)*)>`((?:[^`$]|\$\{(?:[^`{}]|`[^`]*`)*\})*)`/g,
    )
    return Array.from(found, ([, rowType = '', text = '']) => ({ file, rowType, text: filledIn(text) }))
  })
}

function filledIn(template: string): string {
  return template.replace(/\$\{((?:[^`{}]|`[^`]*`)*)\}/g, (_, expression: string) => {
    if (expression.startsWith('among(') || expression.startsWith('eligible(')) return '1 = 1'
    if (expression.startsWith('oneOf(')) return '1 = 1'
    if (expression.startsWith('shown(')) return '1 = 1'
    if (expression.startsWith('here(')) return '1 = 1'
    if (expression.startsWith('listed(')) return '(SELECT 1)'
    if (expression.startsWith('idsNamed(')) return '(SELECT 1)'
    if (expression.startsWith('rowsNamed(')) return '(SELECT 1 AS message, 1 AS number)'
    if (expression.startsWith('octets(')) return 'OCTET_LENGTH(email.prefix)'
    return pieces[expression] ?? '?'
  })
}

/** Names of the members, with those of interfaces looked up in the sources. */
function membersOf(rowType: string, interfaces: ReadonlyMap<string, string>): string[] {
  const names = [...rowType.matchAll(/(\w+)\??:/g)].map(([, name = '']) => name)
  const bases = [...rowType.matchAll(/\b([A-Z]\w+)\b(?![^{]*\})/g)]
  const inherited = bases.flatMap(([, name = '']) => {
    const body = interfaces.get(name)
    return body === undefined ? [] : membersOf(body, interfaces)
  })
  return [...new Set([...names, ...inherited])].toSorted()
}

function interfacesOf(files: readonly string[]): Map<string, string> {
  const found = new Map<string, string>()
  for (const file of files) {
    const source = readFileSync(new URL(file, import.meta.url), 'utf8')
    for (const [, name = '', body = ''] of source.matchAll(/interface (\w+) \{([^}]*)\}/g)) {
      found.set(name, `{${body.replace(/\/\*\*[^]*?\*\//g, '')}}`)
    }
  }
  return found
}

test('every query gives the columns of its row type', () => {
  using database = new DatabaseSync(':memory:')
  migrate(database)
  const all = queries()
  const interfaces = interfacesOf([...new Set(all.map(({ file }) => `./${file}`))])
  assert.ok(all.length > 60, `only ${all.length} queries were found`)
  for (const { file, rowType, text } of all) {
    const columns = database.prepare(text).columns()
    const names = columns.map(({ name }) => name).toSorted()
    assert.deepEqual(names, membersOf(rowType, interfaces), `${file}: ${text}`)
  }
})
