// The messages of SCRAM (RFC 5802 §7), read strictly: attributes stand in the order of the grammar, the reserved
// attribute `m` is an extension that nobody defines and so refused (§5.1), other extensions are skipped.
import { tryDecodeBase64 } from './base64.ts'

/** RFC 5802 §7: gs2-cbind-flag. */
export type ChannelBindingFlag =
  | { readonly type: 'unsupported' }
  | { readonly type: 'not-offered' }
  | { readonly type: 'required'; readonly name: string }

export interface ClientFirst {
  /** `n,,` and the like, exactly as sent: it is echoed inside `c=`. */
  readonly gs2Header: string
  readonly channelBinding: ChannelBindingFlag
  readonly authorizationId: string | null
  /** client-first-message-bare, exactly as sent: part of AuthMessage. */
  readonly bare: string
  readonly username: string
  readonly nonce: string
}

export interface ServerFirst {
  readonly nonce: string
  readonly salt: Uint8Array
  readonly iterations: number
}

export interface ClientFinal {
  readonly channelBinding: Uint8Array
  readonly nonce: string
  readonly proof: Uint8Array
  /** client-final-message-without-proof, exactly as sent. */
  readonly withoutProof: string
}

/** RFC 5802 §7: gs2-header, then username, nonce and perhaps extensions. */
export function tryParseClientFirst(text: string): ClientFirst | undefined {
  const flagEnd = text.indexOf(',')
  const headerEnd = text.indexOf(',', flagEnd + 1)
  if (flagEnd === -1 || headerEnd === -1) return undefined
  const channelBinding = tryParseFlag(text.slice(0, flagEnd))
  const authzid = text.slice(flagEnd + 1, headerEnd)
  const authorizationId =
    authzid === '' ? null : authzid.startsWith('a=') ? tryUnescapeName(authzid.slice(2)) : undefined
  const bare = text.slice(headerEnd + 1)
  const [name, nonce, ...extensions] = bare.split(',')
  if (name === undefined || nonce === undefined || !extensions.every(isAttribute)) return undefined
  const username = name.startsWith('n=') ? tryUnescapeName(name.slice(2)) : undefined
  if (!channelBinding || authorizationId === undefined || username === undefined || !isNonce(nonce))
    return undefined
  return {
    gs2Header: text.slice(0, headerEnd + 1),
    channelBinding,
    authorizationId,
    bare,
    username,
    nonce: nonce.slice(2),
  }
}

/** RFC 5802 §7: server-first-message. */
export function tryParseServerFirst(text: string): ServerFirst | undefined {
  const [nonce, salt, iterations, ...extensions] = text.split(',')
  if (nonce === undefined || !isNonce(nonce) || !salt?.startsWith('s=') || !iterations?.startsWith('i='))
    return undefined
  const octets = tryDecodeBase64(salt.slice(2))
  // RFC 5802 §7: posit-number; nine digits are more than anyone will compute.
  if (octets === undefined || !/^[1-9][0-9]{0,8}$/.test(iterations.slice(2))) return undefined
  if (!extensions.every(isAttribute)) return undefined
  return { nonce: nonce.slice(2), salt: octets, iterations: Number(iterations.slice(2)) }
}

/** RFC 5802 §7: client-final-message; the proof is its last attribute. */
export function tryParseClientFinal(text: string): ClientFinal | undefined {
  const proofAt = text.lastIndexOf(',p=')
  if (proofAt === -1) return undefined
  const withoutProof = text.slice(0, proofAt)
  const proof = tryDecodeBase64(text.slice(proofAt + 3))
  const [binding, nonce, ...extensions] = withoutProof.split(',')
  if (
    !binding?.startsWith('c=') ||
    nonce === undefined ||
    !isNonce(nonce) ||
    !extensions.every(isAttribute)
  ) {
    return undefined
  }
  const channelBinding = tryDecodeBase64(binding.slice(2))
  if (proof === undefined || channelBinding === undefined) return undefined
  return { channelBinding, nonce: nonce.slice(2), proof, withoutProof }
}

/** RFC 5802 §5.1: `,` is written `=2C`, and `=` is written `=3D`. */
export function escapeName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C')
}

// RFC 5802 §5.1: an "=" that is not followed by 2C or 3D fails the authentication.
export function tryUnescapeName(text: string): string | undefined {
  if (text === '' || text.includes('\0') || /=(?!2C|3D)/.test(text)) return undefined
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

function tryParseFlag(text: string): ChannelBindingFlag | undefined {
  if (text === 'n') return { type: 'unsupported' }
  if (text === 'y') return { type: 'not-offered' }
  return /^p=[A-Za-z0-9.-]+$/.test(text) ? { type: 'required', name: text.slice(2) } : undefined
}

function isNonce(attribute: string): boolean {
  // RFC 5802 §7: printable = %x21-2B / %x2D-7E
  return /^r=[\x21-\x2b\x2d-\x7e]+$/.test(attribute)
}

function isAttribute(text: string): boolean {
  return /^[A-Za-ln-z]=[^\0]+$/.test(text)
}
