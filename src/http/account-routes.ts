// What a person sets of how his account is protected: sessions, authenticator app, passkeys, app passwords, the password itself.
//
// What would let somebody in later, or shut its owner out, wants a session in which its person has shown recently who he is. What only
// takes a way in away (ending a session, revoking an app password) does not.
import { Secret } from '../base/secret.ts'
import type { AppPassword } from '../directory/app-passwords.ts'
import type { Passkey } from '../directory/passkeys.ts'
import { removePasskey, setLoginPolicy } from '../directory/ways-in.ts'
import type { WebSession } from '../directory/web-sessions.ts'
import {
  accountProblems,
  type AppPassword as ShownAppPassword,
  appPasswordList,
  loginPolicy,
  madeAppPassword,
  newAppPassword,
  passkey,
  passkeyList,
  passkeyOptions,
  passkeyRegistration,
  passkeyRename,
  passwordChange,
  recoveryCodes,
  sessionList,
  sessionsEnded,
  totpConfirmation,
  totpEnrolment,
  totpState,
} from './api/account.ts'
import type { z } from 'zod'
import { protectionChanged } from '../events/admin.ts'
import type { Caller } from './authenticate.ts'
import { makeProblem, type Problem } from './problem.ts'
import { isProven } from './proven.ts'
import { type Call, route, type Route, scopeProblem } from './route.ts'
import { checkPerson, passkeyProblem } from './session-routes.ts'

export function accountRoutes(): Route[] {
  return [
    ...sessions(),
    ...totp(),
    ...totpLater(),
    ...passkeys(),
    ...passkeyRemoval(),
    ...appPasswords(),
    ...password(),
  ]
}

const access = 'person'

type Asked = Call & { readonly caller: Caller }

function sessions(): Route[] {
  const group = 'Sessions'
  return [
    route(
      'GET /api/v1/sessions',
      { group, access, summary: 'Sessions of the pages', body: null, answer: sessionList },
      async ({ parts, caller }) => {
        const all = await parts.logins.sessions.list(caller.account.id)
        return { sessions: all.map((one) => shownSession(one, caller)) }
      },
    ),
    route(
      'DELETE /api/v1/sessions',
      { group, access, summary: 'End all sessions but this one', body: null, answer: sessionsEnded },
      async (call) => {
        const { parts, caller } = call
        const own = caller.sessionId === null ? null : Number(caller.sessionId)
        const ended = await parts.logins.sessions.endAll(caller.account.id, own)
        if (ended > 0) tell(call, 'sessions-ended')
        return { ended }
      },
    ),
    route(
      'DELETE /api/v1/sessions/{id}',
      { group, access, summary: 'End a session', body: null, answer: null },
      async (call) => {
        const { parts, caller, params } = call
        return gone(call, 'session-ended', await parts.logins.sessions.end(caller.account.id, idOf(params)))
      },
    ),
  ]
}

function totp(): Route[] {
  const group = 'Authenticator app'
  return [
    route(
      'GET /api/v1/totp',
      { group, access, summary: 'Whether codes of an app are asked for', body: null, answer: totpState },
      async ({ parts, caller }) => {
        const { state, since, recoveryCodes: left } = await parts.logins.secondFactor.state(caller.account.id)
        return { state, since: since === null ? null : isoOf(since), recoveryCodes: left }
      },
    ),
    route(
      'POST /api/v1/totp',
      { group, access, summary: 'Begin to set up an app', body: null, answer: totpEnrolment },
      async (call) => {
        const unproven = await provenProblem(call)
        if (unproven !== null) return unproven
        const begun = await call.parts.logins.secondFactor.enrol(call.caller.account, call.parts.hostname)
        return { ...begun, expiresAt: isoOf(begun.expiresAt) }
      },
    ),
    route(
      'POST /api/v1/totp/confirm',
      {
        group,
        access,
        summary: 'Confirm the app by a code of it',
        body: totpConfirmation,
        answer: recoveryCodes,
      },
      async (call) => {
        const unproven = await provenProblem(call)
        if (unproven !== null) return unproven
        const codes = await call.parts.logins.secondFactor.confirm(call.caller.account.id, call.body.code)
        if (codes === undefined) return badCode
        tell(call, 'totp-on')
        return { recoveryCodes: codes }
      },
    ),
  ]
}

function totpLater(): Route[] {
  const group = 'Authenticator app'
  return [
    route(
      'POST /api/v1/totp/recovery-codes',
      {
        group,
        access,
        summary: 'New recovery codes instead of the old ones',
        body: null,
        answer: recoveryCodes,
      },
      async (call) => {
        const unproven = await provenProblem(call)
        if (unproven !== null) return unproven
        const codes = await call.parts.logins.secondFactor.renewRecovery(call.caller.account.id)
        if (codes === undefined) return nothingThere
        tell(call, 'recovery-codes-renewed')
        return { recoveryCodes: codes }
      },
    ),
    route(
      'DELETE /api/v1/totp',
      { group, access, summary: 'Ask for codes no more', body: null, answer: null },
      async (call) =>
        (await provenProblem(call)) ??
        gone(call, 'totp-off', await call.parts.logins.secondFactor.remove(call.caller.account.id)),
    ),
  ]
}

function passkeys(): Route[] {
  const group = 'Passkeys'
  return [
    route(
      'GET /api/v1/passkeys',
      { group, access, summary: 'Passkeys of the account', body: null, answer: passkeyList },
      async ({ parts, caller }) => ({
        passkeys: (await parts.logins.passkeys.list(caller.account.id)).map(shownPasskey),
      }),
    ),
    route(
      'POST /api/v1/passkeys/options',
      { group, access, summary: 'Begin to make a passkey', body: null, answer: passkeyOptions },
      async (call) => {
        const unproven = await provenProblem(call)
        if (unproven !== null) return unproven
        const options = await call.parts.logins.passkeys.registrationOptions(call.caller.account, call.env)
        // JSON of WebAuthn, passed on as it is.
        return { options: options as Record<string, unknown> }
      },
    ),
    route(
      'POST /api/v1/passkeys',
      {
        group,
        access,
        summary: 'Keep the passkey that was made',
        body: passkeyRegistration,
        answer: passkey,
        status: 201,
      },
      async (call) => {
        const unproven = await provenProblem(call)
        if (unproven !== null) return unproven
        const made = await call.parts.logins.passkeys.register(call.caller.account, call.body, call.env)
        if (typeof made === 'object') {
          tell(call, 'passkey-added')
          return shownPasskey(made.made)
        }
        return passkeyProblem(made === 'too-many' ? 'too-many' : 'bad-passkey')
      },
    ),
    route(
      'PATCH /api/v1/passkeys/{id}',
      { group, access, summary: 'Rename a passkey', body: passkeyRename, answer: null },
      async (call) => {
        const { parts, caller, params, body } = call
        const done = await parts.logins.passkeys.rename(caller.account.id, idOf(params), body.label)
        return gone(call, 'passkey-renamed', done)
      },
    ),
  ]
}

function passkeyRemoval(): Route[] {
  const group = 'Passkeys'
  return [
    route(
      'DELETE /api/v1/passkeys/{id}',
      { group, access, summary: 'Remove a passkey', body: null, answer: null },
      async (call) => {
        const unproven = await provenProblem(call)
        if (unproven !== null) return unproven
        const { id } = call.caller.account
        const outcome = await removePasskey(call.parts.logins, id, idOf(call.params))
        return outcome === 'last-passkey' ? lastPasskey : gone(call, 'passkey-removed', outcome === 'removed')
      },
    ),
  ]
}

const lastPasskey = makeProblem(409, 'last-passkey', accountProblems['last-passkey'])

function appPasswords(): Route[] {
  const group = 'App passwords'
  return [
    route(
      'GET /api/v1/app-passwords',
      { group, access, summary: 'App passwords of the account', body: null, answer: appPasswordList },
      async ({ parts, caller }) => ({
        appPasswords: (await parts.logins.appPasswords.list(caller.account.id)).map(shownAppPassword),
      }),
    ),
    route(
      'POST /api/v1/app-passwords',
      {
        group,
        access,
        summary: 'Make an app password; it is shown this once',
        body: newAppPassword,
        answer: madeAppPassword,
        status: 201,
      },
      async (call) => {
        const unproven = await provenProblem(call)
        if (unproven !== null) return unproven
        const { caller, body } = call
        const beyond = body.scopes.find((one) => !caller.scopes.has(one))
        if (beyond !== undefined) return scopeProblem(beyond)
        const expiresAt = body.expiresAt === null ? null : Date.parse(body.expiresAt)
        const made = await call.parts.logins.appPasswords.add(caller.account.id, { ...body, expiresAt })
        if (made === 'gone') return nothingThere
        if (made === 'too-many') return makeProblem(409, made, accountProblems[made])
        tell(call, 'app-password-added')
        return { ...shownAppPassword(made.made), password: made.password }
      },
    ),
    route(
      'DELETE /api/v1/app-passwords/{id}',
      { group, access, summary: 'Revoke an app password', body: null, answer: null },
      async (call) => {
        const { parts, caller, params } = call
        const done = await parts.logins.appPasswords.remove(caller.account.id, idOf(params))
        return gone(call, 'app-password-removed', done)
      },
    ),
  ]
}

function password(): Route[] {
  const group = 'Password'
  return [
    route(
      'PUT /api/v1/password',
      {
        group,
        access,
        summary: 'Change the password; all other sessions end',
        body: passwordChange,
        answer: null,
      },
      async (call) => {
        const unproven = await provenProblem(call)
        if (unproven !== null) return unproven
        const first = await changePassword(call)
        const last = first === 'again' ? await changePassword(call) : first
        return last === 'again' ? changedMeanwhile : last
      },
    ),
    route(
      'GET /api/v1/login-policy',
      { group, access, summary: 'Whether the password opens the account', body: null, answer: loginPolicy },
      async ({ parts, caller }) => {
        const { password: policy } = await parts.logins.secondFactor.factors(caller.account.id)
        return { password: policy }
      },
    ),
    route(
      'PUT /api/v1/login-policy',
      {
        group,
        access,
        summary: 'Let passkeys alone open the account, or the password too',
        body: loginPolicy,
        answer: loginPolicy,
      },
      async (call) => {
        const unproven = await provenProblem(call)
        if (unproven !== null) return unproven
        const { id } = call.caller.account
        const outcome = await setLoginPolicy(call.parts.logins, id, call.body.password)
        if (outcome !== 'set') return noPasskey
        tell(call, `password-${call.body.password}`)
        return call.body
      },
    ),
  ]
}

const noPasskey = makeProblem(409, 'no-passkey', 'Make a passkey first: nothing else would open the account.')

/** `again` where another password has come between, or the kept hash was renewed by the check. */
async function changePassword(
  call: Call & { readonly caller: Caller; readonly body: z.output<typeof passwordChange> },
): Promise<Problem | undefined | 'again'> {
  const { account, sessionId } = call.caller
  const { current, password: wanted } = call.body
  const { administration } = call.parts
  const replacing = await administration.keptCredentials(account)
  const wrong = await checkPerson(call, { account, password: current })
  // The session is fresh, so a code was given; and whoever opens it by passkey may set a password that opens nothing.
  if (wrong !== null && wrong.code !== 'code-required' && wrong.code !== 'passkey-required') return wrong
  const options = { replacing, ...(sessionId !== null && { keptSession: Number(sessionId) }) }
  const changed = await administration
    .as({ name: account.address })
    .setPassword(account.address, new Secret(wanted), options)
  if (changed.ok) return undefined
  return changed.reason === 'changed' ? 'again' : makeProblem(422, changed.reason, changed.message)
}

const changedMeanwhile = makeProblem(409, 'changed', accountProblems.changed)

/** Null for a session that is fresh enough, or the password itself. */
async function provenProblem(call: Asked): Promise<Problem | null> {
  if (call.caller.via === 'password' || (await isProven(call.parts, call))) return null
  return makeProblem(403, 'proof-required', accountProblems['proof-required'])
}

const nothingThere = makeProblem(404, 'not-found', 'There is nothing of that number.')
const badCode = makeProblem(
  401,
  'bad-code',
  'The code is wrong, or too much time has passed since the beginning.',
)

/** What programs came in by may be closed to them now. */
const closing: ReadonlySet<string> = new Set(['app-password-removed', 'password-refused', 'totp-on'])

/** Whoever has stolen a session shall not change things unseen. */
function tell({ parts, caller, env }: Asked, change: string): void {
  const { address } = caller.account
  if (closing.has(change)) parts.connections.end(address)
  const { remoteAddress } = env
  parts.events.emit(protectionChanged, { address, change, via: caller.via, remoteAddress })
}

function gone(call: Asked, change: string, done: boolean): undefined | Problem {
  if (!done) return nothingThere
  tell(call, change)
  return undefined
}

/** 0, which is nobody's, for what is no number. */
function idOf({ id = '' }: Readonly<Record<string, string>>): number {
  return /^[1-9]\d{0,14}$/.test(id) ? Number(id) : 0
}

function isoOf(time: number): string {
  return new Date(time).toISOString()
}

function shownSession(
  one: WebSession,
  { sessionId }: Caller,
): z.input<typeof sessionList>['sessions'][number] {
  const { id, method, remoteAddress, userAgent } = one
  return {
    ...{ id, method, remoteAddress, userAgent, current: String(id) === sessionId },
    createdAt: isoOf(one.createdAt),
    seenAt: isoOf(one.seenAt),
    expiresAt: isoOf(one.expiresAt),
  }
}

function shownPasskey({ id, label, createdAt, usedAt, synced }: Passkey): z.input<typeof passkey> {
  return { id, label, synced, createdAt: isoOf(createdAt), usedAt: usedAt === null ? null : isoOf(usedAt) }
}

function shownAppPassword(one: AppPassword): ShownAppPassword {
  const { id, label, scopes, createdAt, expiresAt, usedAt, usedBy } = one
  return {
    ...{ id, label, scopes: [...scopes], usedBy, createdAt: isoOf(createdAt) },
    expiresAt: expiresAt === null ? null : isoOf(expiresAt),
    usedAt: usedAt === null ? null : isoOf(usedAt),
  }
}
