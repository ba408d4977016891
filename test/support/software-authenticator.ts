// A passkey authenticator in software: makes discoverable ES256 credentials and signs challenges, as a browser with its device would
// (WebAuthn level 3 §6.3). Tests may have it lie about the origin, the host, the counter or the user's presence.
import { createHash, createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'

interface Credential {
  readonly id: Buffer
  readonly key: KeyObject
  readonly userHandle: string
  readonly host: string
  counter: number
}

export interface Lies {
  readonly origin?: string
  readonly host?: string
  readonly counter?: number
  /** Without user verification. */
  readonly unverified?: true
  readonly userHandle?: string
}

interface CreationOptions {
  readonly challenge: string
  readonly rp: { readonly id: string }
  readonly user: { readonly id: string }
}

interface RequestOptions {
  readonly challenge: string
  readonly rpId: string
}

/** Octets of CBOR (RFC 8949) of the few shapes that are needed. */
function cbor(value: number | string | Buffer | Map<number | string, unknown>): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value])
  const pairs = [...value].flatMap(([key, one]) => [cbor(key), cbor(one as Parameters<typeof cbor>[0])])
  return Buffer.concat([head(5, value.size), ...pairs])
}

function head(major: number, count: number): Buffer {
  if (count < 24) return Buffer.from([(major << 5) | count])
  return count < 256
    ? Buffer.from([(major << 5) | 24, count])
    : Buffer.from([(major << 5) | 25, count >> 8, count & 255])
}

export class SoftwareAuthenticator {
  readonly #origin: string
  readonly credentials: Credential[] = []

  /** `origin`: the page's. */
  constructor(origin: string) {
    this.#origin = origin
  }

  /** What `navigator.credentials.create` would answer, as JSON. */
  create(options: object, lies: Lies = {}): object {
    const { challenge, rp, user } = options as CreationOptions
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const id = randomBytes(32)
    const host = lies.host ?? rp.id
    this.credentials.push({ id, key: privateKey, userHandle: user.id, host, counter: 0 })
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
    // COSE_Key: EC2, ES256, P-256.
    const cose = cbor(
      new Map<number, unknown>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, Buffer.from(x, 'base64url')],
        [-3, Buffer.from(y, 'base64url')],
      ]),
    )
    const length = Buffer.from([0, id.length])
    const flags = lies.unverified ? 0x41 : 0x45
    const data = Buffer.concat([this.#head(host, flags, 0), Buffer.alloc(16), length, id, cose])
    const attestation = cbor(
      new Map<string, unknown>([
        ['fmt', 'none'],
        ['attStmt', new Map()],
        ['authData', data],
      ]),
    )
    return this.#answer(id, {
      clientDataJSON: this.#clientData('webauthn.create', challenge, lies).toString('base64url'),
      attestationObject: attestation.toString('base64url'),
      transports: ['internal'],
    })
  }

  /** What `navigator.credentials.get` would answer, as JSON, with the newest credential. */
  get(options: object, lies: Lies = {}): object {
    const { challenge, rpId } = options as RequestOptions
    const credential = this.credentials.at(-1)
    if (credential === undefined) throw new Error('the authenticator has no credential')
    credential.counter++
    const flags = lies.unverified ? 0x01 : 0x05
    const data = this.#head(lies.host ?? rpId, flags, lies.counter ?? credential.counter)
    const client = this.#clientData('webauthn.get', challenge, lies)
    const signed = Buffer.concat([data, createHash('sha256').update(client).digest()])
    return this.#answer(credential.id, {
      clientDataJSON: client.toString('base64url'),
      authenticatorData: data.toString('base64url'),
      signature: createSign('sha256').update(signed).sign(credential.key).toString('base64url'),
      userHandle: lies.userHandle ?? credential.userHandle,
    })
  }

  #answer(id: Buffer, response: object): object {
    const name = id.toString('base64url')
    return { id: name, rawId: name, type: 'public-key', clientExtensionResults: {}, response }
  }

  #clientData(type: string, challenge: string, { origin }: Lies): Buffer {
    return Buffer.from(
      JSON.stringify({ type, challenge, origin: origin ?? this.#origin, crossOrigin: false }),
    )
  }

  #head(host: string, flags: number, counter: number): Buffer {
    const count = Buffer.alloc(4)
    count.writeUInt32BE(counter)
    return Buffer.concat([createHash('sha256').update(host).digest(), Buffer.from([flags]), count])
  }
}
