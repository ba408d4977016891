// STARTTLS, LOGIN and AUTHENTICATE.
//
// RFC 3501 §11.2 requirement (3): where passwords may not cross in clear, LOGINDISABLED is offered, LOGIN fails even with the
// right password, and the plain-text mechanisms are neither offered nor taken.
import { beforeLogin, command } from './command.ts'
import { noArguments } from './session-commands.ts'
import { tryUtf8 } from '../grammar/cursor.ts'

/** RFC 3501 §6.2.1 */
export const startTls = command({
  name: 'STARTTLS',
  states: beforeLogin,
  syntax: noArguments,
  run: (_, context) => {
    if (context.tls !== null) return { do: 'answer', status: 'BAD', text: 'TLS is already active' }
    if (!context.startTlsOffered) return { do: 'answer', status: 'NO', text: 'TLS is not available here' }
    return { do: 'start-tls' }
  },
})

/** RFC 3501 §6.2.3: `login = "LOGIN" SP userid SP password` */
export const login = command({
  name: 'LOGIN',
  states: beforeLogin,
  secret: true,
  syntax(cursor) {
    cursor.sp()
    const userid = cursor.astring('a user name')
    cursor.sp()
    const password = cursor.astring('a password')
    return { username: tryUtf8(userid), password: tryUtf8(password) }
  },
  run: ({ username, password }, context) => {
    if (!context.loginAllowed) {
      // RFC 5530 §3: PRIVACYREQUIRED
      return { do: 'answer', status: 'NO', code: 'PRIVACYREQUIRED', text: 'Use STARTTLS first' }
    }
    if (username === undefined || password === undefined) {
      return { do: 'answer', status: 'BAD', text: 'User name and password must be UTF-8' }
    }
    return { do: 'log-in', username, password }
  },
})

/** RFC 3501 §6.2.2 with RFC 4959 §3: `authenticate = "AUTHENTICATE" SP auth-type [SP (base64 / "=")] *(CRLF base64)` */
export const authenticate = command({
  name: 'AUTHENTICATE',
  states: beforeLogin,
  secret: true,
  syntax(cursor) {
    cursor.sp()
    const mechanism = cursor.keyword('a mechanism')
    if (cursor.done) return { mechanism, initialResponse: null }
    cursor.sp()
    const initialResponse = cursor.rest()
    if (initialResponse === '') cursor.fail('expected an initial response')
    return { mechanism, initialResponse }
  },
  run: (args) => ({ do: 'authenticate', ...args }),
})
