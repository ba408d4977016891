// What the command line prints when nobody reads on.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from '../interop/tool.ts'
import { posthornCommand, temporaryPlace } from './program.ts'

test('a reader that has seen enough ends a command without a complaint', async (context) => {
  const { folder } = await temporaryPlace(context)
  const script = `${posthornCommand} config explain --json | true; echo "\${PIPESTATUS[0]}"`
  const { stdout, stderr } = await run('bash', ['-c', script], { home: folder })
  assert.equal(stderr, '')
  assert.equal(stdout, '0\n')
})
