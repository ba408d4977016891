// The terminals that SEND, SOML and SAML write to (RFC 821 §3.4): whatever of a user's is open at this moment. A terminal is an
// attached console (`posthorn attach`), an IMAP session in IDLE (as an ALERT), a web page; each joins by `attach`.
import type { AccountId } from '../store/model.ts'

/** A message as a terminal shows it: text without control characters, already cut to size. */
export interface TerminalMessage {
  readonly from: string
  readonly to: string
  readonly subject: string
  readonly text: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface Terminal {
  /** For people: `console`, `imap`, `web`. */
  readonly kind: string
  /** True once it has been shown; false where the terminal is gone. */
  show(message: TerminalMessage): boolean | Promise<boolean>
}

export interface Terminals {
  /** Joins until disposed. */
  attach(account: AccountId, terminal: Terminal): Disposable
  /** How many the account has open. */
  count(account: AccountId): number
  /** Shows it on all of them; the number that took it. */
  show(account: AccountId, message: TerminalMessage): Promise<number>
}

/** Terminals of this process. */
export function createTerminals(): Terminals {
  const open = new Map<AccountId, Set<Terminal>>()
  return {
    attach(account, terminal) {
      const own = open.get(account) ?? new Set()
      own.add(terminal)
      open.set(account, own)
      return {
        [Symbol.dispose]() {
          own.delete(terminal)
          if (own.size === 0 && open.get(account) === own) open.delete(account)
        },
      }
    },
    count: (account) => open.get(account)?.size ?? 0,
    async show(account, message) {
      const shown = await Promise.all(
        [...(open.get(account) ?? [])].map(async (terminal) => {
          try {
            return await terminal.show(message)
          } catch {
            // A terminal that breaks while it is written to is gone; the others are served.
            return false
          }
        }),
      )
      return shown.filter(Boolean).length
    },
  }
}
