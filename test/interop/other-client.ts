// A second client of the same account, for what happens behind the back of the one that is tried.
import type { TestContext } from 'node:test'
import { ImapFlow, type ImapFlowOptions } from 'imapflow'
import { type InteropServer, password } from './server.ts'

/** Logged in on TLS; it ends with the test. */
export async function otherClient(
  context: TestContext,
  server: InteropServer,
  options: Partial<ImapFlowOptions> = {},
): Promise<ImapFlow> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: server.ports.imaps,
    secure: true,
    tls: { rejectUnauthorized: false },
    auth: { user: 'ann@mail.test', pass: password },
    logger: false,
    ...options,
  })
  await client.connect()
  context.after(() => client.close())
  return client
}
