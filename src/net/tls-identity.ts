// Certificates and keys: read from PEM files and read again when those change, or made by the server itself.
//
// Nothing is loaded before the first handshake (or `secureContext` called to be sure at start). Changed files are
// noticed at a handshake, at most every few seconds. A pair that cannot be used, as in the middle of a renewal, leaves the
// last good one in place and is reported; only without a good one does a handshake fail.
import { constants, X509Certificate } from 'node:crypto'
import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { makeSelfSigned, type CertificateAndKey } from './self-signed.ts'
import { minimumTlsVersion, type TlsIdentity } from './tls.ts'

/** PEM files: the certificate with its chain, its own first, and the key. */
export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

export interface FileIdentityOptions {
  /** The first one serves clients that ask for no name, or for a name that none of them has. At least one. */
  readonly certificates: readonly CertificateFiles[]
  /** PEM file of the authorities whose client certificates are believed; clients are asked for one. Null: not asked. */
  readonly clientAuthorities?: string | null
  readonly clock: Clock
  /** Changed files could not be used; the old certificate stays. */
  readonly onReloadFailed: (files: CertificateFiles, error: unknown) => void
}

export interface SelfSignedIdentityOptions {
  readonly hostname: string
  /** Where the certificate and its key (mode 0600) are kept from one start to the next; null for memory only. */
  readonly folder: string | null
  /** As in `FileIdentityOptions`; read whenever the certificate is made or found. */
  readonly clientAuthorities?: string | null
  readonly clock: Clock
  readonly random: Random
}

/** How often files are looked at for changes, at most. */
const checkMilliseconds = 5_000
/** A certificate of our own that ends within this time is replaced. */
const renewalMilliseconds = 30 * 86_400_000
/** Mail has no use for renegotiation, and a client could spend our time with it. */
const secureOptions = constants.SSL_OP_NO_RENEGOTIATION

interface Loaded {
  readonly context: SecureContext
  readonly certificate: X509Certificate
}

interface Material extends CertificateAndKey {
  /** PEM; undefined where clients are not asked. */
  readonly authorities: string | undefined
}

function load({ certificate, key, authorities }: Material): Loaded {
  return {
    context: createSecureContext({
      ...{ cert: certificate, key, minVersion: minimumTlsVersion, secureOptions },
      // Alone these are believed then: not everybody to whom some public authority has sold a certificate.
      ...(authorities === undefined ? {} : { ca: authorities }),
    }),
    certificate: new X509Certificate(certificate),
  }
}

/** Rejects where the file holds no certificate: Node would take that for none to be believed, and say nothing. */
async function readAuthorities(file: string | null | undefined): Promise<string | undefined> {
  if (file == null) return undefined
  const text = await readFile(file, 'utf8')
  void new X509Certificate(text)
  return text
}

function askedIf(file: string | null | undefined): 'asked' | 'ignored' {
  return file == null ? 'ignored' : 'asked'
}

/** What can be looked for in a certificate; anything else that a client may send gets the default one. */
const hostName = /^[a-z0-9._-]{1,253}$/i

/** An identity from files. With several certificates the client's SNI decides (RFC 6066 §3). */
export function createFileIdentity(options: FileIdentityOptions): TlsIdentity {
  const sources = options.certificates.map((files) => new FileSource(files, options))
  const [first] = sources
  if (first === undefined) throw new TypeError('an identity needs a certificate')
  return {
    clientCertificates: askedIf(options.clientAuthorities),
    async secureContext(serverName) {
      if (serverName !== null && hostName.test(serverName) && sources.length > 1) {
        for (const source of sources) {
          const { context, certificate } = await source.current()
          if (certificate.checkHost(serverName) !== undefined) return context
        }
      }
      return (await first.current()).context
    },
  }
}

/** One certificate on disk. */
class FileSource {
  readonly #files: CertificateFiles
  readonly #options: FileIdentityOptions
  #loaded: Loaded | null = null
  #version = ''
  #checkedAt = 0
  #checking: Promise<Loaded> | null = null

  constructor(files: CertificateFiles, options: FileIdentityOptions) {
    this.#files = files
    this.#options = options
  }

  current(): Promise<Loaded> {
    const now = this.#options.clock.monotonic()
    if (this.#loaded !== null && now < this.#checkedAt + checkMilliseconds)
      return Promise.resolve(this.#loaded)
    this.#checking ??= this.#check().finally(() => {
      this.#checking = null
    })
    return this.#checking
  }

  async #check(): Promise<Loaded> {
    const { certFile, keyFile } = this.#files
    const { clientAuthorities } = this.#options
    try {
      const files = [certFile, keyFile, ...(clientAuthorities == null ? [] : [clientAuthorities])]
      const versions = await Promise.all(files.map(fileVersion))
      const version = versions.join()
      if (this.#loaded === null || version !== this.#version) {
        const [certificate, key, authorities] = await Promise.all([
          readFile(certFile, 'utf8'),
          readFile(keyFile, 'utf8'),
          readAuthorities(clientAuthorities),
        ])
        this.#loaded = load({ certificate, key, authorities })
        this.#version = version
      }
    } catch (error) {
      if (this.#loaded === null) throw error
      this.#options.onReloadFailed(this.#files, error)
    }
    this.#checkedAt = this.#options.clock.monotonic()
    return this.#loaded
  }
}

async function fileVersion(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path)
  return `${mtimeMs}/${size}/${ino}`
}

/** An identity that the server makes for itself at the first handshake, and renews before it ends. */
export function createSelfSignedIdentity(options: SelfSignedIdentityOptions): TlsIdentity {
  const { clock } = options
  let current: Promise<Loaded> | null = null
  let renewAt = 0
  return {
    clientCertificates: askedIf(options.clientAuthorities),
    secureContext() {
      if (current === null || clock.now() >= renewAt) {
        const making = findOrMake(options)
        current = making
        renewAt = Number.POSITIVE_INFINITY
        making.then(
          ({ certificate }) => {
            renewAt = certificate.validToDate.getTime() - renewalMilliseconds
          },
          () => {
            current = null
          },
        )
      }
      return current.then((loaded) => loaded.context)
    },
  }
}

async function findOrMake(options: SelfSignedIdentityOptions): Promise<Loaded> {
  const { folder, hostname, clock, random } = options
  const authorities = await readAuthorities(options.clientAuthorities)
  const kept = folder === null ? undefined : await tryKept(folder, { ...options, authorities })
  if (kept !== undefined) return kept
  const names = [...new Set([hostname, 'localhost', '127.0.0.1', '::1'])]
  const pair = await makeSelfSigned({ names, now: clock.now(), random })
  if (folder !== null) await keep(folder, pair)
  return load({ ...pair, authorities })
}

function pathsIn(folder: string): CertificateFiles {
  return { certFile: join(folder, 'self-signed.crt'), keyFile: join(folder, 'self-signed.key') }
}

/** The kept one where it is whole, for this host, and good for some time; undefined otherwise. */
async function tryKept(
  folder: string,
  options: SelfSignedIdentityOptions & { readonly authorities: string | undefined },
): Promise<Loaded | undefined> {
  const { certFile, keyFile } = pathsIn(folder)
  try {
    const [certificate, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')])
    const loaded = load({ certificate, key, authorities: options.authorities })
    const good = loaded.certificate.validToDate.getTime() - renewalMilliseconds > options.clock.now()
    return good && loaded.certificate.checkHost(options.hostname) !== undefined ? loaded : undefined
  } catch {
    // None yet, half written, or not ours: a new one replaces it.
    return undefined
  }
}

async function keep(folder: string, pair: CertificateAndKey): Promise<void> {
  const { certFile, keyFile } = pathsIn(folder)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const [path, content] of [
    [keyFile, pair.key],
    [certFile, pair.certificate],
  ] as const) {
    const draft = `${path}.new`
    await writeFile(draft, content, { mode: 0o600 })
    // The mode above counts for new files only.
    await chmod(draft, 0o600)
    await rename(draft, path)
  }
}
