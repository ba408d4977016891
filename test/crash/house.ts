// The house that is crashed: a domain with five accounts, SMTP and POP3 on loopback, everything in one data folder.
import { resolveConfig } from '../../src/config/layers.ts'
import type { Config } from '../../src/config/schema.ts'
import { type Backend, openBackend } from '../../src/wiring/backend.ts'

/** Who has mail. */
export const residents: readonly string[] = ['ann', 'bob', 'cid', 'dan', 'eve'].map(
  (name) => `${name}@crash.example`,
)
export const password = 'correct horse'

/** The configuration over a data folder. Log-ins are cheap: what is tested here is the mail. */
export function houseConfig(folder: string): Config {
  const listener = { address: '127.0.0.1', port: 0, tls: 'none' }
  return resolveConfig([
    {
      name: 'crash',
      settings: {
        profile: 'test',
        hostname: 'mx.crash.example',
        data: folder,
        auth: { argon2Memory: 8, argon2Passes: 1, scramIterations: 4096 },
        listeners: [
          { service: 'smtp', ...listener },
          { service: 'pop3', ...listener },
        ],
      },
    },
  ])
}

/** Makes a data folder with the accounts in it, cleanly closed. */
export async function furnishFolder(folder: string): Promise<void> {
  await using backend = await openBackend(houseConfig(folder))
  await furnish(backend)
}

/** Adds the domain and its accounts. */
export async function furnish({ operations }: Backend): Promise<void> {
  await operations.run('domain.add', { name: 'crash.example' })
  for (const address of residents) await operations.run('account.add', { address, password })
}
