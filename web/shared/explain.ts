// What the server's refusals of log-ins and proofs mean, for people.
import { ApiError } from './api.ts'

/** What a refusal means to somebody who stands before the door; of all else what it says itself. */
export function explain(error: unknown): string {
  if (error instanceof DOMException) return ofPasskey(error)
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error)
  switch (error.code) {
    case 'bad-credentials':
      return 'Address and password do not fit together.'
    case 'bad-code':
      return 'That code is not right, or too old. Take the newest one.'
    case 'throttled':
      return error.retryAfter === null
        ? 'Too many tries. Wait a little.'
        : `Too many tries. Try again in ${Math.ceil(error.retryAfter / 60)} min.`
    case 'passkey-required':
      return 'This account is opened by a passkey alone.'
    default:
      return error.message
  }
}

/** What browsers throw when a passkey is made or used; their own words are for programmers (WebAuthn level 3 §5.1.3, §5.1.4). */
function ofPasskey({ name, message }: DOMException): string {
  switch (name) {
    case 'NotAllowedError':
    case 'AbortError':
      return 'No passkey came: it was stopped, took too long, or there is none for this place.'
    case 'InvalidStateError':
      return 'This device has a passkey for your account already.'
    case 'SecurityError':
      return 'Passkeys belong to a host name. Open this page by its name, over TLS.'
    case 'ConstraintError':
    case 'NotSupportedError':
      return 'This device cannot keep a passkey.'
    default:
      return message
  }
}
