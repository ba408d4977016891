import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpEnvironment, HttpMount } from '../base/http-mount.ts'
import type { Account } from '../store/model.ts'
import { deferMounts } from './deferred-mounts.ts'

type Mount = HttpMount<Account>

const env: HttpEnvironment<Account> = {
  ...{
    remoteAddress: '127.0.0.1',
    secure: false,
    origin: 'http://localhost',
    stopping: new AbortController().signal,
  },
  authenticate: () => Promise.reject(new Error('nobody asks')),
}

function mount(name: string, ...paths: string[]): Mount {
  return { paths, fetch: async () => new Response(name) }
}

async function asked(of: Mount, path: string, method = 'GET'): Promise<string> {
  return (await of.fetch(new Request(`http://localhost${path}`, { method }), env)).text()
}

test('nothing is opened before the first request, all of it once, and the right mount has each', async () => {
  let opened = 0
  const deferred = deferMounts({
    paths: ['/api/*', '/view/*'],
    open: async () => {
      opened++
      return [mount('all', '/api/*'), mount('one', 'PUT /api/one', '/view/*')]
    },
    otherwise: mount('pages', '/*'),
  })
  assert.equal(opened, 0)
  const answers = [
    asked(deferred, '/api/one'),
    asked(deferred, '/api/one', 'PUT'),
    asked(deferred, '/view/x'),
    asked(deferred, '/view'),
  ]
  assert.deepEqual(await Promise.all(answers), ['all', 'one', 'one', 'pages'])
  assert.equal(opened, 1)
})

test('what could not be opened is opened with the next request; a mount beside the paths is a mistake', async () => {
  let trouble: Error | null = new Error('no file')
  const deferred = deferMounts({
    paths: ['/api/*'],
    open: async () => {
      if (trouble !== null) throw trouble
      return [mount('api', '/api/*')]
    },
    otherwise: mount('pages', '/*'),
  })
  await assert.rejects(asked(deferred, '/api/x'), /no file/)
  trouble = null
  assert.equal(await asked(deferred, '/api/x'), 'api')
  const misled = deferMounts({
    paths: ['/api/*'],
    open: async () => [mount('elsewhere', 'GET /other')],
    otherwise: mount('pages', '/*'),
  })
  await assert.rejects(asked(misled, '/api/x'), /GET \/other/)
})
