// What would shut an account's owner out is decided and done in one: a passkey goes, or the password is refused, only if no passkey and no
// policy has changed since it was looked at. Of two who each remove the last but one, one is told that his is the last.
import type { AccountId } from '../store/model.ts'
import { mostRounds, type Unchanged } from './account-objects.ts'
import type { Logins } from './logins.ts'
import type { Factors } from './second-factor.ts'

type Ways = Pick<Logins, 'passkeys' | 'secondFactor'>

/** Removes a passkey, unless nothing else opens the account. */
export async function removePasskey(
  ways: Ways,
  account: AccountId,
  id: number,
): Promise<'removed' | 'not-found' | 'last-passkey'> {
  return anew(async () => {
    const { unchanged, policy, keys } = await look(ways, account)
    if (!keys.includes(id)) return 'not-found'
    if (policy === 'refused' && keys.length === 1) return 'last-passkey'
    return removed(await ways.passkeys.remove(account, id, unchanged))
  })
}

/** For operators: with the last passkey the password opens the account again. */
export async function removeAnyPasskey(
  ways: Ways,
  account: AccountId,
  id: number,
): Promise<'removed' | 'not-found'> {
  return anew(async () => {
    const { unchanged, policy, keys } = await look(ways, account)
    if (!keys.includes(id)) return 'not-found'
    if (policy === 'refused' && keys.length === 1) {
      // First, since it must not be shut in between.
      await ways.secondFactor.setPolicy(account, { password: 'allowed' }, unchanged)
      return 'changed'
    }
    return removed(await ways.passkeys.remove(account, id, unchanged))
  })
}

/** Lets the password open the account, or passkeys alone, where there is one. */
export async function setLoginPolicy(
  ways: Ways,
  account: AccountId,
  wanted: Factors['password'],
): Promise<'set' | 'no-passkey'> {
  return anew(async () => {
    const { unchanged, keys } = await look(ways, account)
    if (wanted === 'refused' && keys.length === 0) return 'no-passkey'
    return (await ways.secondFactor.setPolicy(account, { password: wanted }, unchanged)) ? 'set' : 'changed'
  })
}

async function look(
  { passkeys, secondFactor }: Ways,
  account: AccountId,
): Promise<{ unchanged: Unchanged; policy: Factors['password']; keys: readonly number[] }> {
  // Before what is decided by.
  const unchanged = [await passkeys.changes(account), await secondFactor.changes(account)]
  const [all, factors] = await Promise.all([passkeys.list(account), secondFactor.factors(account)])
  return { unchanged, policy: factors.password, keys: all.map(({ id }) => id) }
}

function removed(outcome: 'done' | 'not-found' | 'changed'): 'removed' | 'not-found' | 'changed' {
  return outcome === 'done' ? 'removed' : outcome
}

/** Until nothing has changed while it was looked at. */
async function anew<T extends string>(work: () => Promise<T | 'changed'>): Promise<Exclude<T, 'changed'>> {
  for (let round = 0; round < mostRounds; round++) {
    const outcome = await work()
    // What is left has no `changed`.
    if (outcome !== 'changed') return outcome as Exclude<T, 'changed'>
  }
  throw new Error('how an account is protected changes all the time')
}
