import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blocksOf, checkBlocks, checkPrograms, knownWords } from './doc-blocks.ts'
import { readIfPresent } from './sources.ts'

const openApi = '{"paths":{"/api/v1/messages/{id}":{}}}'
const sources = [{ path: 'src/a.ts', text: `event('queue.told')` }]
const known = knownWords(readIfPresent('package.json'), openApi, sources)

const check = (...lines: string[]): string[] =>
  checkBlocks([{ path: 'a.md', text: lines.join('\n') }], known).map(
    ({ line, message }) => `${line}: ${message}`,
  )

const block = (language: string, ...lines: string[]): string[] => check(`\`\`\`${language}`, ...lines, '```')

test('blocks are found with their line and language, inside of lists too', () => {
  const text = ['a', '- b', '', '  ```sh', '  npm test', '    more', '  ```'].join('\n')
  assert.deepEqual(blocksOf({ path: 'a.md', text }), [
    { path: 'a.md', line: 4, language: 'sh', text: 'npm test\n  more' },
  ])
})

test('settings that are none are found, in blocks and in text', () => {
  assert.deepEqual(block('toml', '[[listeners]]', 'service = "imap"', 'port = 993'), [])
  assert.match(block('toml', '[smtp]', 'maxRecipient = 5').join(), /did you mean "maxRecipients"/)
  assert.match(block('toml', 'a = ').join(), /^1: /)
  assert.deepEqual(
    check('`smtp.maxRecipients`, `tls.certificate`, `catcher.relay`, `queue.told`, `queue.ts`'),
    [],
  )
  assert.deepEqual(check('', '`smtp.maxRecipient = 5`'), ['2: there is no setting smtp.maxRecipient'])
})

test('commands, options and scripts that are none are found', () => {
  const fine = [
    'npx posthorn queue list --domain a.example  # why',
    'npm ci && npm test',
    'posthorn sendmail -t < a',
  ]
  assert.deepEqual(block('sh', ...fine), [])
  assert.deepEqual(block('sh', 'posthorn queue lst'), ['1: there is no command queue lst'])
  assert.deepEqual(block('console', '$ posthorn fsck --all', 'all is well'), ['1: fsck has no option --all'])
  assert.deepEqual(block('sh', 'cat a | posthorn send ann@example.org --form b'), [
    '1: send has no option --form',
  ])
  assert.deepEqual(check('`npm run nothing`, `posthorn account set --rolle`').length, 2)
  assert.deepEqual(check('`posthorn account sessions list|end`, `posthorn`, `posthorn queue`'), [])
})

test('JSON that is none, paths that the API has not, and blocks that nothing checks are found', () => {
  assert.equal(block('json', '{"a":1}', '{a}').length, 1)
  assert.deepEqual(check('`GET /api/v1/messages/<id>`, `/api/v1/`, `/api/v1/{a,b}`'), [])
  assert.deepEqual(check('`GET /api/v1/message`'), ['1: the API has no /api/v1/message'])
  assert.equal(block('').length + block('yaml').length, 2)
})

test('programs are type checked against what the package exports', async () => {
  const page = (...lines: string[]) => ({
    path: 'docs/a.md',
    text: ['', '```ts', ...lines, '```'].join('\n'),
  })
  assert.deepEqual(
    await checkPrograms([page("import { SmtpServer } from 'posthorn/smtp'", 'new SmtpServer({})')]),
    [],
  )
  const [problem] = await checkPrograms([
    page("import { SmtpServer } from 'posthorn/smtp'", 'new SmtpServer({ a: 1 })'),
  ])
  assert.deepEqual([problem?.path, problem?.line], ['docs/a.md', 4])
})
