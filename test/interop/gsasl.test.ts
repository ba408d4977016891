// GNU SASL: SCRAM by an implementation that is not ours, bound to the TLS channel where it can be.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type InteropServer, password, startServer } from './server.ts'
import { missing, type Run, run } from './tool.ts'

const skip = missing('gsasl')

interface Attempt {
  readonly protocol: 'smtp' | 'imap'
  readonly mechanism: string
  readonly secret?: string
  readonly more?: readonly string[]
}

function gsasl(server: InteropServer, { protocol, mechanism, secret, more = [] }: Attempt): Promise<Run> {
  const port = protocol === 'smtp' ? server.ports.submission : server.ports.imap
  const to = ['--connect', `localhost:${port}`, `--${protocol}`, '--mechanism', mechanism]
  const who = ['--authentication-id', 'ann@mail.test', '--password', secret ?? password]
  // Of "no CA file" it makes that no certificate is checked.
  const parameters = [...to, ...who, '--x509-ca-file=', ...more]
  return run('gsasl', parameters, { home: server.folder })
}

for (const protocol of ['smtp', 'imap'] as const) {
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS', 'PLAIN', 'LOGIN']) {
    test(`${mechanism} for ${protocol}`, { skip }, async (context) => {
      const server = await startServer(context)
      // The channel binding is `tls-exporter` (RFC 9266). Without -PLUS gsasl must be told that it has none, or it sees an attack.
      const more = mechanism === 'SCRAM-SHA-256' ? ['--no-cb'] : []
      const done = await gsasl(server, { protocol, mechanism, more })
      assert.equal(done.code, 0, done.stdout + done.stderr)
      assert.match(done.stdout, protocol === 'smtp' ? /^235 2\.7\.0/m : /^\. OK/m)
    })
  }

  test(`a wrong password for SCRAM-SHA-256 by ${protocol}`, { skip }, async (context) => {
    const server = await startServer(context)
    const done = await gsasl(server, {
      protocol,
      mechanism: 'SCRAM-SHA-256',
      secret: 'guess',
      more: ['--no-cb'],
    })
    assert.notEqual(done.code, 0)
    assert.match(done.stdout, protocol === 'smtp' ? /^535 5\.7\.8/m : /^\. NO \[AUTHENTICATIONFAILED\]/m)
  })
}
