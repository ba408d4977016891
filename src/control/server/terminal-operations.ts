// `terminal.attach`: a console that shows what SEND, SOML and SAML bring (RFC 821 §3.4), for as long as somebody looks.
import { z } from 'zod'
import { Secret } from '../../base/secret.ts'
import type { Terminals } from '../../delivery/terminals.ts'
import type { Directory } from '../../directory/directory.ts'
import { type Operation, RefusedOperation, question } from './operation.ts'

/** What a terminal tells: that it is attached, then each message as a `TerminalMessage`. */
export function terminalOperations(parts: {
  directory: Directory
  terminals: Terminals
}): Record<string, Operation> {
  const { directory, terminals } = parts
  return {
    'terminal.attach': question(
      z.strictObject({ address: z.string(), password: z.string() }),
      async ({ address, password }, { onEvent, gone }) => {
        const login = await directory.authenticate({
          username: address,
          password: new Secret(password),
          // The socket is this machine's, and its owner's alone.
          remoteAddress: '127.0.0.1',
          protocol: 'attach',
        })
        if (!login.ok) throw new RefusedOperation(refusals[login.reason])
        using _attached = terminals.attach(login.account.id, {
          kind: 'console',
          show(message) {
            onEvent({ type: 'message', message })
            return !gone.aborted
          },
        })
        onEvent({ type: 'attached', address: login.account.address })
        await aborted(gone)
        return {}
      },
    ),
  }
}

const refusals = {
  'bad-credentials': 'Wrong address or password.',
  disabled: 'This account is disabled.',
  throttled: 'Too many failed log-ins; wait and try again.',
  unavailable: 'The server cannot check the password now; try again.',
} as const

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
