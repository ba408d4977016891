// All by which an account is opened beside its password: sessions of the pages, authenticator app, passkeys, app passwords.
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { AuthConfig } from '../config/sections/auth.ts'
import type { WebConfig } from '../config/sections/web.ts'
import type { Events } from '../events/event.ts'
import type { ObjectStore } from '../store/objects.ts'
import type { DirectoryStore } from '../store/store.ts'
import { AppPasswords } from './app-passwords.ts'
import { Passkeys } from './passkeys.ts'
import { SecondFactor } from './second-factor.ts'
import { WebSessions } from './web-sessions.ts'

export interface Logins {
  readonly sessions: WebSessions
  readonly secondFactor: SecondFactor
  readonly appPasswords: AppPasswords
  readonly passkeys: Passkeys
}

export interface LoginsOptions {
  readonly store: ObjectStore & Pick<DirectoryStore, 'getAccount'>
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly auth: AuthConfig
  readonly web: WebConfig
  /** The installation's. */
  readonly secret: Uint8Array
}

export function createLogins(options: LoginsOptions): Logins {
  return {
    sessions: new WebSessions(options),
    secondFactor: new SecondFactor(options),
    appPasswords: new AppPasswords(options),
    passkeys: new Passkeys(options),
  }
}
