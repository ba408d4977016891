// The house that is crashed: a domain with five accounts, SMTP, submission and POP3 on loopback, everything in one data folder.
// What it sends away goes to the sink.
import { resolveConfig } from '../../src/config/layers.ts'
import type { Config } from '../../src/config/schema.ts'
import { type Backend, openBackend } from '../../src/wiring/backend.ts'

/** Who has mail. */
export const residents: readonly string[] = ['ann', 'bob', 'cid', 'dan', 'eve'].map(
  (name) => `${name}@crash.example`,
)
export const password = 'correct horse'

/** Recipients elsewhere; every third is not known there. */
export const strangers: readonly string[] = ['away.example', 'far.example'].flatMap((domain) =>
  ['dora', 'emil', 'gone-1', 'fred', 'gus', 'gone-2'].map((name) => `${name}@${domain}`),
)

/**
 * The configuration over a data folder. Log-ins are cheap: what is tested here is the mail. An attempt that a death interrupted
 * is made again at once, however often, so that it is seen what comes of it.
 */
export function houseConfig(folder: string, { sink, database }: { sink: number; database?: string }): Config {
  const listener = { address: '127.0.0.1', port: 0, tls: 'none' }
  return resolveConfig([
    {
      name: 'crash',
      settings: {
        profile: 'test',
        hostname: 'mx.crash.example',
        data: folder,
        ...(database !== undefined && { store: { postgres: { url: database } } }),
        auth: { allowClearText: true, argon2Memory: 8, argon2Passes: 1, scramIterations: 4096 },
        submission: { messagesPerHour: 0, recipientsPerHour: 0 },
        queue: {
          retry: {
            unknownAfter: '100ms',
            interruptedAfter: '100ms',
            poisonAfter: 0,
            after: ['100ms'],
          },
          poll: '1s',
          // With PostgreSQL a lease has to run out before another process takes over.
          lease: '2s',
        },
        relay: {
          enabled: true,
          routes: [{ kind: 'host', host: '127.0.0.1', port: sink, tls: 'none' }],
        },
        listeners: [
          { service: 'smtp', ...listener },
          { service: 'submission', ...listener },
          { service: 'pop3', ...listener },
        ],
      },
    },
  ])
}

/** Makes a data folder with the accounts in it, cleanly closed. */
export async function furnishFolder(folder: string, database?: string): Promise<void> {
  // Nothing is sent while it is furnished.
  await using backend = await openBackend(
    houseConfig(folder, { sink: 9, ...(database !== undefined && { database }) }),
  )
  await furnish(backend)
}

/** Adds the domain and its accounts. */
export async function furnish({ operations }: Backend): Promise<void> {
  await operations.run('domain.add', { name: 'crash.example' })
  for (const address of residents) await operations.run('account.add', { address, password })
}
