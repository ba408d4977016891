// Makes the certificate of a server that was given none: self-signed, EC P-256, for its host name and localhost.
//
// The few ASN.1 values that such a certificate needs are written here in DER (X.690), in the order of RFC 5280 §4.1.
// It says CA:FALSE, so that the key is of no use for signing other certificates, even where someone trusts it.
import { Buffer } from 'node:buffer'
import { generateKeyPair, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { tryIpOctets } from '../base/ip-address.ts'
import type { Random } from '../base/random.ts'

export interface SelfSignedOptions {
  /** Host names and IP addresses, the most important first. At least one. */
  readonly names: readonly string[]
  /** Milliseconds since the Unix epoch. */
  readonly now: number
  /** For the serial number; the key comes from the system's cryptographic source in any case. */
  readonly random: Random
}

/** Both in PEM; the key as PKCS #8. */
export interface CertificateAndKey {
  readonly certificate: string
  readonly key: string
}

const day = 86_400_000
/** Clients whose clock is a little slow shall accept it too. */
const backdated = day
/** What Apple's clients accept at most for certificates that their user trusts. */
const lifetime = 825 * day

const oid = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  basicConstraints: '551d13',
  keyUsage: '551d0f',
  extendedKeyUsage: '551d25',
  subjectAlternativeName: '551d11',
  serverAuthentication: '2b06010505070301',
} as const

export async function makeSelfSigned(options: SelfSignedOptions): Promise<CertificateAndKey> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })
  const signatureAlgorithm = sequence(objectIdentifier(oid.ecdsaWithSha256))
  const name = distinguishedName(options.names[0] ?? 'localhost')
  const tbsCertificate = sequence(
    der(0xa0, integer(Uint8Array.of(2))),
    integer(serialNumber(options.random)),
    signatureAlgorithm,
    name,
    sequence(time(options.now - backdated), time(options.now + lifetime)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions(options.names)),
  )
  const signature = sign('sha256', tbsCertificate, privateKey)
  const certificate = sequence(tbsCertificate, signatureAlgorithm, bitString(signature))
  return {
    certificate: pem('CERTIFICATE', certificate),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** RFC 5280 §4.1.2.2: positive, at most 20 octets. */
function serialNumber(random: Random): Uint8Array {
  const octets = random.bytes(16)
  octets[0] = ((octets[0] ?? 0) & 0x7f) | 0x40
  return octets
}

/** RFC 5280 §4.1.2.4. A common name holds 64 characters; clients read the alternative names anyway. */
function distinguishedName(host: string): Uint8Array {
  const commonName = host.length <= 64 ? host : 'localhost'
  return sequence(der(0x31, sequence(objectIdentifier(oid.commonName), utf8String(commonName))))
}

function extensions(names: readonly string[]): Uint8Array {
  const critical = der(0x01, Uint8Array.of(0xff))
  const digitalSignature = der(0x03, Uint8Array.of(7, 0x80))
  return sequence(
    sequence(objectIdentifier(oid.basicConstraints), critical, octetString(sequence())),
    sequence(objectIdentifier(oid.keyUsage), critical, octetString(digitalSignature)),
    sequence(
      objectIdentifier(oid.extendedKeyUsage),
      octetString(sequence(objectIdentifier(oid.serverAuthentication))),
    ),
    sequence(objectIdentifier(oid.subjectAlternativeName), octetString(sequence(...names.map(generalName)))),
  )
}

/** RFC 5280 §4.2.1.6: dNSName is [2], iPAddress is [7]. */
function generalName(name: string): Uint8Array {
  const octets = tryIpOctets(name)
  return octets === undefined ? der(0x82, Buffer.from(name, 'latin1')) : der(0x87, octets)
}

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime after. */
function time(milliseconds: number): Uint8Array {
  const digits = new Date(milliseconds).toISOString().replace(/\.\d+Z$|[^0-9]/g, '')
  const generalized = `${digits}Z`
  return Number(digits.slice(0, 4)) < 2050
    ? der(0x17, Buffer.from(generalized.slice(2), 'latin1'))
    : der(0x18, Buffer.from(generalized, 'latin1'))
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x30, ...parts)
}

function integer(octets: Uint8Array): Uint8Array {
  return der(0x02, octets)
}

function objectIdentifier(hex: string): Uint8Array {
  return der(0x06, Buffer.from(hex, 'hex'))
}

function utf8String(text: string): Uint8Array {
  return der(0x0c, Buffer.from(text, 'utf8'))
}

function octetString(content: Uint8Array): Uint8Array {
  return der(0x04, content)
}

function bitString(octets: Uint8Array): Uint8Array {
  return der(0x03, Uint8Array.of(0), octets)
}

/** Tag, length in its shortest form (X.690 §10.1), content. */
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts)
  const { length } = content
  if (length < 0x80) return Buffer.concat([Uint8Array.of(tag, length), content])
  if (length < 0x100) return Buffer.concat([Uint8Array.of(tag, 0x81, length), content])
  return Buffer.concat([Uint8Array.of(tag, 0x82, length >> 8, length & 0xff), content])
}

function pem(label: string, content: Uint8Array): string {
  const lines =
    Buffer.from(content)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
