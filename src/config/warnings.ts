// What is wrong with a configuration that is nevertheless possible: told by `posthorn config check`, and nothing is refused.
// What cannot be meant at all (a catcher beside a server) is refused by the schema instead.
import { isIPv4 } from 'node:net'
import type { Config } from './schema.ts'
import type { ListenerConfig } from './sections/listeners.ts'

/** One sentence for each doubt, in order of the listeners; empty when there is none. */
export function configWarnings(config: Config): string[] {
  return config.listeners.flatMap((listener) => {
    const name = `listener ${listener.service} on ${listener.address} port ${listener.port}`
    const warnings: string[] = []
    if (listener.tls === 'none' && takesPasswords(listener) && !config.auth.allowClearText) {
      warnings.push(
        `${name}: nobody can log in there: it has no TLS, and passwords in the clear are refused; set its tls to "starttls" or "implicit", or auth.allowClearText for development`,
      )
    }
    if (listener.service === 'catcher' && !isLoopback(listener.address)) {
      warnings.push(
        `${name}: others than this machine may reach it, and a catcher takes any mail and opens any mailbox; use the address 127.0.0.1 or ::1`,
      )
    }
    return warnings
  })
}

/** A catcher takes mail without any log-in, and port 25 knows none. */
function takesPasswords({ service }: ListenerConfig): boolean {
  return service === 'submission' || service === 'odmr' || service === 'imap' || service === 'pop3'
}

function isLoopback(address: string): boolean {
  const plain = address.toLowerCase().replace(/^::ffff:(?=[\d.]+$)/, '')
  return plain === '::1' || plain === 'localhost' || (isIPv4(plain) && plain.startsWith('127.'))
}
