// The key with which this installation signs pushes (VAPID, RFC 8292): it comes from the installation's secret, and so is the same on
// every node and for ever, without being kept.
import { Buffer } from 'node:buffer'
import { createECDH, hkdfSync } from 'node:crypto'

export interface VapidKeys {
  /** Base64url; RFC 9749 §3 `applicationServerKey`. */
  readonly publicKey: string
  readonly privateKey: string
}

/** The order of P-256 (FIPS 186-5, SP 800-186 §3.2.1.3). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

export function vapidKeysOf(secret: Uint8Array): VapidKeys {
  const octets = Buffer.from(hkdfSync('sha256', secret, '', 'posthorn jmap vapid', 48))
  const scalar = (BigInt(`0x${octets.toString('hex')}`) % (order - 1n)) + 1n
  const key = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex')
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(key)
  return { publicKey: curve.getPublicKey('base64url'), privateKey: key.toString('base64url') }
}
