// How accounts are protected, for operators: app passwords, sessions of the pages, authenticator apps and passkeys, for
// `posthorn account app-password …` and the admin page. What people do for themselves is in the HTTP API.
import { z } from 'zod'
import type { Administration } from '../../directory/administration.ts'
import type { AppPassword } from '../../directory/app-passwords.ts'
import type { Logins } from '../../directory/logins.ts'
import type { OpenConnections } from '../../directory/open-connections.ts'
import { removeAnyPasskey } from '../../directory/ways-in.ts'
import type { Account } from '../../store/model.ts'
import { operation, type Operation, RefusedOperation, question } from './operation.ts'

/** An app password as it is shown. */
export interface ShownAppPassword {
  readonly id: number
  readonly label: string
  readonly scopes: readonly string[]
  readonly created: string
  readonly expires: string | null
  readonly used: string | null
  readonly usedBy: string | null
}

/** A session of the pages as it is shown. */
export interface ShownSession {
  readonly id: number
  readonly method: string
  readonly created: string
  readonly seen: string
  readonly expires: string
  readonly remoteAddress: string
  readonly userAgent: string
}

/** How an account is protected. */
export interface ShownProtection {
  readonly address: string
  readonly totp: 'on' | 'off'
  readonly totpSince: string | null
  readonly recoveryCodes: number
  readonly password: 'allowed' | 'refused'
  readonly passkeys: readonly {
    readonly id: number
    readonly label: string
    readonly created: string
    readonly used: string | null
  }[]
}

interface LoginParts {
  readonly administration: Administration
  readonly logins: Logins
  readonly connections: Pick<OpenConnections, 'end'>
}

const addressed = z.strictObject({ address: z.string() })
const numbered = z.strictObject({ address: z.string(), id: z.int() })

export function loginOperations(parts: LoginParts): Record<string, Operation> {
  return { ...appPasswordOperations(parts), ...sessionOperations(parts), ...factorOperations(parts) }
}

function appPasswordOperations({
  administration,
  logins,
  connections,
}: LoginParts): Record<string, Operation> {
  return {
    'account.app-password.list': question(addressed, async ({ address }) => {
      const account = await accountOf(administration, address)
      return (await logins.appPasswords.list(account.id)).map(shownAppPassword)
    }),
    'account.app-password.add': operation(
      z.strictObject({
        address: z.string(),
        label: z.string().trim().min(1).max(100),
        scopes: z
          .array(z.enum(['mail', 'send', 'settings', 'admin']))
          .min(1)
          .default(['mail', 'send']),
        expires: z.iso.datetime().nullable().default(null),
      }),
      async ({ address, label, scopes, expires }) => {
        const account = await accountOf(administration, address)
        if (scopes.includes('admin') && account.role !== 'admin') {
          throw new RefusedOperation(`${address} is no admin, so nothing of it can administer.`)
        }
        const expiresAt = expires === null ? null : Date.parse(expires)
        const made = await logins.appPasswords.add(account.id, { label, scopes, expiresAt })
        if (made === 'too-many') throw new RefusedOperation(`${address} has as many app passwords as it may.`)
        if (made === 'gone') throw noAccount(address)
        return { ...shownAppPassword(made.made), password: made.password }
      },
    ),
    'account.app-password.remove': operation(numbered, async ({ address, id }) => {
      const account = await accountOf(administration, address)
      if (await logins.appPasswords.remove(account.id, id)) {
        connections.end(account.address)
        return {}
      }
      throw new RefusedOperation(`${address} has no app password ${id}.`)
    }),
  }
}

function sessionOperations({ administration, logins }: LoginParts): Record<string, Operation> {
  return {
    'account.sessions.list': question(addressed, async ({ address }) => {
      const account = await accountOf(administration, address)
      const all = await logins.sessions.list(account.id)
      return all.map(({ id, method, createdAt, seenAt, expiresAt, remoteAddress, userAgent }) => ({
        ...{ id, method, remoteAddress, userAgent, created: isoOf(createdAt), seen: isoOf(seenAt) },
        expires: isoOf(expiresAt),
      }))
    }),
    'account.sessions.end': operation(
      z.strictObject({ address: z.string(), id: z.int().optional() }),
      async ({ address, id }) => {
        const account = await accountOf(administration, address)
        if (id === undefined) return { ended: await logins.sessions.endAll(account.id, null) }
        if (await logins.sessions.end(account.id, id)) return { ended: 1 }
        throw new RefusedOperation(`${address} has no session ${id}.`)
      },
    ),
  }
}

function factorOperations({ administration, logins }: LoginParts): Record<string, Operation> {
  const { secondFactor, passkeys } = logins
  return {
    'account.protection': question(addressed, async ({ address }): Promise<ShownProtection> => {
      const { id, address: key } = await accountOf(administration, address)
      const [totp, factors, keys] = await Promise.all([
        secondFactor.state(id),
        secondFactor.factors(id),
        passkeys.list(id),
      ])
      return {
        address: key,
        totp: totp.state,
        totpSince: totp.since === null ? null : isoOf(totp.since),
        recoveryCodes: totp.recoveryCodes,
        password: factors.password,
        passkeys: keys.map(({ id: number, label, createdAt, usedAt }) => ({
          ...{ id: number, label, created: isoOf(createdAt) },
          used: usedAt === null ? null : isoOf(usedAt),
        })),
      }
    }),
    'account.totp.remove': operation(addressed, async ({ address }) => {
      const account = await accountOf(administration, address)
      if (await secondFactor.remove(account.id)) return {}
      throw new RefusedOperation(`${address} has no authenticator app.`)
    }),
    'account.passkey.remove': operation(numbered, async ({ address, id }) => {
      const account = await accountOf(administration, address)
      if ((await removeAnyPasskey(logins, account.id, id)) === 'removed') return {}
      throw new RefusedOperation(`${address} has no passkey ${id}.`)
    }),
  }
}

function noAccount(address: string): RefusedOperation {
  return new RefusedOperation(`There is no account ${address}. \`account list\` shows those that are here.`)
}

async function accountOf(administration: Administration, address: string): Promise<Account> {
  const account = await administration.findAccount(address)
  if (account === undefined) throw noAccount(address)
  return account
}

function shownAppPassword(one: AppPassword): ShownAppPassword {
  const { id, label, scopes, createdAt, expiresAt, usedAt, usedBy } = one
  return {
    ...{ id, label, scopes, usedBy, created: isoOf(createdAt) },
    expires: expiresAt === null ? null : isoOf(expiresAt),
    used: usedAt === null ? null : isoOf(usedAt),
  }
}

function isoOf(time: number): string {
  return new Date(time).toISOString()
}
