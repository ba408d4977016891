// Values that tests of JMAP's methods begin with.
import type { Account, AccountId, ModSeq } from '../../src/store/model.ts'

/** An account as the store tells it, without limits. */
export function account(id: number, address: string): Account {
  return {
    // Counters are branded by the store alone.
    id: id as AccountId,
    address,
    state: 'active',
    role: 'user',
    quota: { bytes: null, messages: null },
    used: { bytes: 0, messages: 0 },
    hiddenCapabilities: [],
    modSeq: 1 as ModSeq,
    createdAt: 0,
  }
}
