// CAPA (RFC 2449 §5), STLS (RFC 2595 §4), UTF8 and LANG (RFC 6856): what the session can do, and how it is changed.
import { replies } from '../replies.ts'
import { reply } from '../session.ts'
import { offeredMechanisms } from './auth.ts'
import { syntaxError } from './command.ts'
import { passwordsAllowed } from './log-in.ts'
import type { Session } from '../session.ts'
import type { Command } from './command.ts'

/** The lines of CAPA, in this state and under this protection. */
function capabilities(session: Session): string[] {
  const { settings, state, tls } = session
  const mechanisms = offeredMechanisms(session)
  const lines = [
    'TOP',
    'UIDL',
    'RESP-CODES',
    'AUTH-RESP-CODE',
    'PIPELINING',
    'EXPIRE NEVER',
    'UTF8 USER',
    'LANG',
  ]
  // RFC 2449 §6.2, §6.3: the same in both states; without TLS only what may be used without it.
  if (passwordsAllowed(session)) lines.push('USER')
  if (mechanisms.length > 0) lines.push(`SASL ${mechanisms.join(' ')}`)
  // RFC 2595 §4: present where it is permitted in the current state.
  if (settings.stls && tls === null && state.name === 'authorization' && !session.utf8) lines.push('STLS')
  if (settings.limits.loginDelay > 0) lines.push(`LOGIN-DELAY ${settings.limits.loginDelay}`)
  lines.push('IMPLEMENTATION Posthorn')
  return lines
}

export const capa: Command = {
  name: 'CAPA',
  states: ['authorization', 'transaction'],
  syntax: 'CAPA',
  help: 'Lists what this server can do now.',
  run(session, argument) {
    if (argument !== '') return syntaxError(capa)
    const lines = capabilities(session).map((line) => `${line}\r\n`)
    return reply(replies.capabilities + lines.join('') + replies.end)
  },
}

export const stls: Command = {
  name: 'STLS',
  states: ['authorization'],
  syntax: 'STLS',
  help: 'Starts TLS; everything said before is forgotten.',
  run(session, argument) {
    if (argument !== '') return syntaxError(stls)
    if (session.tls !== null) return reply(replies.stlsActive)
    if (!session.settings.stls) return reply(replies.stlsUnavailable)
    if (session.utf8) return reply(replies.stlsAfterUtf8)
    return { type: 'start-tls' }
  },
}

export const utf8: Command = {
  name: 'UTF8',
  states: ['authorization'],
  syntax: 'UTF8',
  help: 'Asks for messages with UTF-8 in their headers as they are.',
  run(session, argument) {
    if (argument !== '') return syntaxError(utf8)
    session.utf8 = true
    return reply(replies.utf8Enabled)
  },
}

/** RFC 5646 tags of the languages of replies.ts; RFC 6856 §3.2 wants each with its own name for itself. */
const languages: readonly { readonly tag: string; readonly name: string }[] = [
  { tag: 'en', name: 'English' },
  { tag: 'i-default', name: 'English, for everybody' },
]

export const lang: Command = {
  name: 'LANG',
  states: ['authorization', 'transaction'],
  syntax: 'LANG [range]',
  help: 'Lists the languages of replies, or chooses one.',
  run(_session, argument) {
    if (argument === '') {
      const lines = languages.map(({ tag, name }) => `${tag} ${name}\r\n`)
      return reply(replies.languages + lines.join('') + replies.end)
    }
    if (argument === '*') return reply(replies.language('en'))
    const tag = tryLookUpLanguage(argument)
    return reply(tag === undefined ? replies.languageUnknown : replies.language(tag))
  },
}

/** RFC 4647 §3.4: lookup. `en-GB` finds `en`. */
function tryLookUpLanguage(range: string): string | undefined {
  if (!/^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,8}$/.test(range)) return undefined
  const subtags = range.toLowerCase().split('-')
  while (subtags.length > 0) {
    const wanted = subtags.join('-')
    const found = languages.find(({ tag }) => tag === wanted)
    if (found !== undefined) return found.tag
    subtags.pop()
  }
  return undefined
}
