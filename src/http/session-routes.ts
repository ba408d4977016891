// `/api/v1/session`: log in, log out, who am I; and the set-up of a server that has no account yet.
//
// A log-in always begins a new session, and ends the one that the browser had.
import { displayAddress } from '../mail/address.ts'
import type { LoginMethod } from '../directory/web-sessions.ts'
import { Secret } from '../base/secret.ts'
import type { PersonRefusal } from '../directory/directory.ts'
import type { Account } from '../store/model.ts'
import {
  accountProblems,
  loginRequest,
  passkeyLogin,
  passkeyOptions,
  proofRequest,
  type SessionState,
  sessionState,
  setupCheck,
  setupRequest,
  setupState,
} from './api/account.ts'
import { allScopes, type Caller, clearTextProblem, loginProblem } from './authenticate.ts'
import type { HttpParts } from './parts.ts'
import { makeProblem, type Problem, unavailable } from './problem.ts'
import { type Call, openRoute, route, type Route } from './route.ts'
import { clearSessionCookie, readSessionCookie, writeSessionCookie } from './session-cookie.ts'

const group = 'Log-in'

export function sessionRoutes(): Route[] {
  return [...ownSession(), ...byPasskey(), ...setup()]
}

function ownSession(): Route[] {
  return [
    openRoute(
      'GET /api/v1/session',
      { group, summary: 'Who am I', body: null, answer: sessionState },
      async (call) => whoAmI(call),
    ),
    openRoute(
      'POST /api/v1/session',
      {
        group,
        summary: 'Log in by password, and code where the account asks for one',
        body: loginRequest,
        answer: sessionState,
      },
      async (call) => {
        const refused = clearTextProblem(call.parts, call.env)
        if (refused !== null) return refused
        const { address, password, code = null } = call.body
        const { remoteAddress } = call.env
        const attempt = {
          username: address,
          password: new Secret(password),
          code,
          remoteAddress,
          protocol: 'http',
        }
        const outcome = await call.parts.directory.logIn(attempt)
        return outcome.ok ? begin(call, outcome) : personProblem(outcome.reason)
      },
    ),
    openRoute(
      'DELETE /api/v1/session',
      { group, summary: 'Log out', body: null, answer: null },
      async (call) => {
        await endOwn(call)
        return new Response(null, { status: 204, headers: { 'set-cookie': clearSessionCookie(call.env) } })
      },
    ),
    route(
      'POST /api/v1/session/proof',
      { group, summary: 'Show again who one is', body: proofRequest, answer: sessionState, access: 'person' },
      async (call) => {
        const { account } = call.caller
        const outcome = await checkPerson(call, { account, ...call.body })
        if (outcome !== null) return outcome
        const sessionId = call.caller.sessionId
        if (sessionId !== null) await call.parts.logins.sessions.prove(account.id, Number(sessionId))
        return whoAmI(call)
      },
    ),
  ]
}

function byPasskey(): Route[] {
  return [
    openRoute(
      'POST /api/v1/session/passkey/options',
      { group, summary: 'Begin a log-in by passkey', body: null, answer: passkeyOptions },
      async ({ parts, env }) => {
        const options = await parts.logins.passkeys.loginOptions(env)
        // JSON of WebAuthn, passed on as it is.
        return { options: options as Record<string, unknown> }
      },
    ),
    openRoute(
      'POST /api/v1/session/passkey',
      {
        group,
        summary: 'Log in by passkey, or, in a session, show again who one is',
        body: passkeyLogin,
        answer: sessionState,
      },
      async (call) => {
        const refused = clearTextProblem(call.parts, call.env)
        if (refused !== null) return refused
        const outcome = await call.parts.logins.passkeys.logIn(call.body.response, call.env)
        if (outcome === 'disabled') return loginProblem('disabled')
        if (typeof outcome === 'string') return passkeyProblem(outcome)
        const { account } = outcome
        const asked = await call.env.authenticate(call.request)
        if (asked.ok && asked.caller.sessionId !== null && asked.caller.account.id === account.id) {
          await call.parts.logins.sessions.prove(account.id, Number(asked.caller.sessionId))
          return whoAmI(call)
        }
        return begin(call, { account, method: 'passkey' })
      },
    ),
  ]
}

function setup(): Route[] {
  return [
    openRoute(
      'GET /api/v1/setup',
      { group, summary: 'Whether there is an account yet', body: null, answer: setupState },
      async ({ parts }) => ({ setup: await setupNeeded(parts), hostname: parts.hostname }),
    ),
    openRoute(
      'POST /api/v1/setup/check',
      { group, summary: 'Whether a set-up link holds', body: setupCheck, answer: setupState },
      async ({ parts, body }) =>
        (await parts.setup?.isOpen(body.token)) === true
          ? { setup: 'needed' as const, hostname: parts.hostname }
          : setupClosed,
    ),
    openRoute(
      'POST /api/v1/setup',
      {
        group,
        summary: 'Make the first domain and the first account, an admin',
        body: setupRequest,
        answer: sessionState,
      },
      async (call) => {
        const refused = clearTextProblem(call.parts, call.env)
        if (refused !== null) return refused
        const { token, domain, address, password } = call.body
        const first = { domain, address, password: new Secret(password) }
        const outcome = (await call.parts.setup?.finish(token, first)) ?? 'setup-closed'
        if (outcome === 'setup-closed') return setupClosed
        if (!outcome.ok) return makeProblem(422, outcome.reason, outcome.message)
        return begin(call, { account: outcome.account, method: 'setup' })
      },
    ),
  ]
}

const setupClosed = makeProblem(403, 'setup-closed', accountProblems['setup-closed'])

async function setupNeeded({ setup: link, store }: HttpParts): Promise<'needed' | 'done'> {
  if (link === null) return 'done'
  return (await store.oldestAccount()) === undefined ? 'needed' : 'done'
}

/** A new session, its cookie, and what it says. */
async function begin(
  call: Call,
  {
    account,
    method,
    stillHolds = async () => true,
  }: {
    readonly account: Account
    readonly method: LoginMethod
    readonly stillHolds?: () => Promise<boolean>
  },
): Promise<Response | Problem> {
  await endOwn(call)
  const { parts, request, env } = call
  const { remoteAddress, secure } = env
  const userAgent = request.headers.get('user-agent') ?? ''
  const opened = await parts.logins.sessions.open(account, { method, remoteAddress, userAgent })
  if (opened === undefined) return unavailable
  // A new password ends the sessions that it finds: one that was opened meanwhile by the old one ends itself.
  if (!(await stillHolds())) {
    await parts.logins.sessions.end(account.id, opened.session.id)
    return personProblem('bad-credentials')
  }
  const maxAge = Math.floor(parts.web.sessionLongest / 1000)
  const cookie = writeSessionCookie(opened.token, { secure, maxAge })
  const sessionId = String(opened.session.id)
  const scopes = allScopes(account)
  const caller = { account, via: 'session' as const, scopes, sessionId, appPasswordId: null }
  const state = shownState(parts, caller, opened.session)
  return Response.json(state, { headers: { 'set-cookie': cookie, 'cache-control': 'no-store' } })
}

async function endOwn({ parts, request, env }: Call): Promise<void> {
  const token = readSessionCookie(request.headers, env)
  const session = token === null ? undefined : await parts.logins.sessions.find(token, env.remoteAddress)
  if (session !== undefined) await parts.logins.sessions.end(session.account.id, session.id)
}

async function whoAmI({ parts, request, env }: Call): Promise<SessionState> {
  const asked = await env.authenticate(request)
  const { access, hostname } = parts
  if (!asked.ok) return { state: 'anonymous', setup: await setupNeeded(parts), access, hostname }
  const { caller } = asked
  const token = caller.sessionId === null ? null : readSessionCookie(request.headers, env)
  const session = token === null ? undefined : await parts.logins.sessions.find(token, env.remoteAddress)
  return shownState(parts, caller, session ?? null)
}

function shownState(
  { access, hostname, web }: HttpParts,
  { account, scopes }: Caller,
  session: { readonly id: number; readonly provenAt: number; readonly expiresAt: number } | null,
): SessionState {
  const { id, address, role } = account
  return {
    state: 'open',
    account: { id, address, role, display: displayAddress(address) },
    scopes: [...scopes],
    sessionId: session?.id ?? null,
    provenUntil: session === null ? null : new Date(session.provenAt + web.proofTime).toISOString(),
    expiresAt: session === null ? null : new Date(session.expiresAt).toISOString(),
    ...{ access, hostname },
  }
}

/** Null where the password, and the code where one is wanted, are right. */
export async function checkPerson(
  { parts, env }: Call,
  {
    account,
    password,
    code,
  }: { readonly account: Account; readonly password: string; readonly code?: string | undefined },
): Promise<Problem | null> {
  const outcome = await parts.directory.logIn({
    username: account.address,
    password: new Secret(password),
    code: code ?? null,
    remoteAddress: env.remoteAddress,
    protocol: 'http',
  })
  return outcome.ok ? null : personProblem(outcome.reason)
}

/** Without a challenge: the pages ask for themselves. */
function personProblem(reason: PersonRefusal): Problem {
  switch (reason) {
    case 'code-required':
    case 'bad-code':
    case 'passkey-required':
    case 'bad-credentials':
      return makeProblem(401, reason, accountProblems[reason])
    default:
      return loginProblem(reason)
  }
}

export function passkeyProblem(reason: 'bad-passkey' | 'too-many'): Problem {
  return makeProblem(reason === 'too-many' ? 409 : 401, reason, accountProblems[reason])
}
