// The settings of the MIME walk are the walk's own limits, one by one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultMimeLimits, type MimeLimits } from '../../mail/mime/limits.ts'
import { mimeSection } from './store.ts'

test('every limit of the MIME walk is a setting with the same default', () => {
  const configured: MimeLimits = mimeSection.parse({})
  assert.deepEqual(configured, defaultMimeLimits)
})
