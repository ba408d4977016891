// What the pages and other programs say and hear about log-in: sessions, the second factor, passkeys, app passwords, set-up. The checks
// and the OpenAPI document come from here; the pages take the types.
//
// Times are ISO 8601. Refusals are `application/problem+json` with one of `accountProblems` as `code`.
import { z } from 'zod'

/** Codes of refusals that a page may want to tell apart. */
export const accountProblems = {
  'bad-credentials': 'The name, the password or the code is wrong.',
  'code-required': 'The password is right; the same request with `code` is wanted.',
  'bad-code': 'The password is right, the code is not.',
  'passkey-required': 'The account is opened by a passkey alone.',
  throttled: 'Too many wrong guesses; `retry-after` says when to try again.',
  disabled: 'The account is disabled.',
  'proof-required': 'The session is not fresh enough for this: show the password, code or passkey again.',
  'session-required': 'Only a session of the pages may do this.',
  'weak-password': 'The new password is refused; `detail` says why.',
  'challenge-expired': 'The passkey took too long, or the challenge was used already.',
  'bad-passkey': 'The passkey does not fit.',
  'too-many': 'There are as many as there may be.',
  'last-passkey':
    'It is the last passkey, and nothing else opens the account: let the password open it again first.',
  'no-passkey': 'Make a passkey first: nothing else would open the account.',
  changed: 'Somebody else is changing the password. Try again.',
  'setup-closed': 'The link is wrong, expired or used, or there is an account already.',
} as const

export const scope = z
  .enum(['mail', 'send', 'settings', 'admin'])
  .describe(
    'mail: reading by IMAP, POP3 and JMAP. send: submission. settings: what of an account is set by HTTP. admin: administration, for admins.',
  )

const instant = z.iso.datetime()
const label = z.string().trim().min(1).max(100)
const code = z.string().max(40).describe('Six digits of the authenticator app, or a recovery code.')

export const sessionAccount = z.object({
  id: z.int(),
  address: z.string().describe('As it is in protocols.'),
  display: z.string().describe('With its domain as people write it.'),
  role: z.enum(['user', 'admin']),
})

/** `GET /api/v1/session`, and the answer to a log-in. */
export const sessionState = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('anonymous'),
    setup: z.enum(['needed', 'done']).describe('needed: there is no account yet.'),
    access: z.enum(['accounts', 'open']).describe('open: a catcher, where any password opens any address.'),
    hostname: z.string(),
  }),
  z.object({
    state: z.literal('open'),
    account: sessionAccount,
    scopes: z.array(scope),
    sessionId: z.int().nullable().describe('null: asked with a password or token, not in a session.'),
    provenUntil: instant.nullable().describe('Until then it may change how the account is protected.'),
    expiresAt: instant.nullable(),
    access: z.enum(['accounts', 'open']),
    hostname: z.string(),
  }),
])
export type SessionState = z.output<typeof sessionState>

/** `POST /api/v1/session`. Of an account with a second factor the first request is answered `code-required`. */
export const loginRequest = z.strictObject({
  address: z.string().min(1).max(400),
  password: z.string().min(1).max(1100),
  code: code.optional(),
})

/** `POST /api/v1/session/proof`: shows again who one is. */
export const proofRequest = z.strictObject({
  password: z.string().min(1).max(1100),
  code: code.optional(),
})

export const session = z.object({
  id: z.int(),
  current: z.boolean(),
  createdAt: instant,
  seenAt: instant,
  expiresAt: instant,
  method: z.enum(['password', 'password+code', 'password+recovery', 'passkey', 'setup']),
  remoteAddress: z.string(),
  userAgent: z.string(),
})
export const sessionList = z.object({ sessions: z.array(session) })
/** `DELETE /api/v1/sessions`: all but the one that asks. */
export const sessionsEnded = z.object({ ended: z.int() })
export type Session = z.output<typeof session>

/** `GET /api/v1/totp`. */
export const totpState = z.object({
  state: z.enum(['off', 'on']),
  since: instant.nullable(),
  recoveryCodes: z.int().describe('How many are left.'),
})
/** `POST /api/v1/totp`: begins; nothing is asked for until a code has confirmed it. */
export const totpEnrolment = z.object({
  secret: z.string().describe('Base32, for typing.'),
  url: z.string().describe('otpauth://totp/…, for a QR code.'),
  expiresAt: instant,
})
/** `POST /api/v1/totp/confirm`. */
export const totpConfirmation = z.strictObject({ code: z.string().max(12) })
/** Shown once. Each opens the account one time instead of a code. */
export const recoveryCodes = z.object({ recoveryCodes: z.array(z.string()) })

/** `GET`, `PUT /api/v1/login-policy`. */
export const loginPolicy = z.strictObject({
  password: z
    .enum(['allowed', 'refused'])
    .describe('refused: only passkeys (and app passwords, elsewhere) open the account. It needs a passkey.'),
})
export type LoginPolicy = z.output<typeof loginPolicy>

export const passkey = z.object({
  id: z.int(),
  label: z.string(),
  createdAt: instant,
  usedAt: instant.nullable(),
  synced: z.boolean().describe('Its maker keeps a copy on other devices.'),
})
export const passkeyList = z.object({ passkeys: z.array(passkey) })
export type Passkey = z.output<typeof passkey>
/** `POST /api/v1/passkeys/options`, `POST /api/v1/session/passkey/options`: for `navigator.credentials`, in its JSON form. */
export const passkeyOptions = z.object({
  options: z.record(z.string(), z.unknown()).describe('PublicKeyCredential…OptionsJSON of WebAuthn level 3.'),
})
const credential = z.record(z.string(), z.unknown()).describe('What the credential’s toJSON() gave.')
/** `POST /api/v1/passkeys`. */
export const passkeyRegistration = z.strictObject({ label, response: credential })
/** `PATCH /api/v1/passkeys/{id}`. */
export const passkeyRename = z.strictObject({ label })
/** `POST /api/v1/session/passkey`; in an open session it is a proof. */
export const passkeyLogin = z.strictObject({ response: credential })

export const appPassword = z.object({
  id: z.int(),
  label: z.string(),
  scopes: z.array(scope),
  createdAt: instant,
  expiresAt: instant.nullable(),
  usedAt: instant.nullable(),
  usedBy: z.string().nullable().describe('The protocol and address of its last use.'),
})
export const appPasswordList = z.object({ appPasswords: z.array(appPassword) })
export type AppPassword = z.output<typeof appPassword>
/** `POST /api/v1/app-passwords`. */
export const newAppPassword = z.strictObject({
  label,
  scopes: z.array(scope).min(1).default(['mail', 'send']),
  expiresAt: instant.nullable().default(null),
})
/** The password is shown this once. */
export const madeAppPassword = z.object({ ...appPassword.shape, password: z.string() })

/** `PUT /api/v1/password`. All other sessions end. */
export const passwordChange = z.strictObject({
  current: z.string().min(1).max(1100),
  password: z.string().min(1).max(1100),
})

/** `GET /api/v1/setup`. */
export const setupState = z.object({ setup: z.enum(['needed', 'done']), hostname: z.string() })
/** `POST /api/v1/setup/check`: whether the link holds. */
export const setupCheck = z.strictObject({ token: z.string().max(200) })
/** `POST /api/v1/setup`: makes the domain and the first account, an admin, and logs him in; answered as a log-in is. */
export const setupRequest = z.strictObject({
  token: z.string().max(200),
  domain: z.string().min(1).max(255),
  address: z.string().min(1).max(400).describe('In that domain.'),
  password: z.string().min(1).max(1100),
})
