// A JMAP client of the browser (RFC 8620), by the session's cookie.
//
// - `JmapClient.batch()` gathers calls of one request; later ones may refer to results of earlier ones (§3.7).
// - A request that only reads is tried again when the network fails; one that writes is not, since nobody knows whether it arrived.
// - A refusal of one call rejects that call with `JmapError`; the others of the batch have their answers.
// - Push comes by event source (§7.3).
import { signal, type Signal } from '@preact/signals'
import { forgetKept, readKept, writeKept } from '../kept.ts'
import { openStream } from '../stream.ts'
import type { Id, JmapSession, SetError, SetResponse, StateChange } from './types.ts'

const coreCapability = 'urn:ietf:params:jmap:core'
const using = [
  coreCapability,
  'urn:ietf:params:jmap:mail',
  'urn:ietf:params:jmap:submission',
  'urn:ietf:params:jmap:vacationresponse',
  'urn:ietf:params:jmap:quota',
]
const mailCapability = 'urn:ietf:params:jmap:mail'
/** Of what was refused since too much was asked at once. */
const busyTries = 6
const readTries = 3
/** Seconds after which the stream of changes says at least that it lives. */
const pingSeconds = 60

/** What a method or the request was refused with (RFC 8620 §3.6). */
export class JmapError extends Error {
  readonly type: string
  constructor(type: string, description?: string) {
    super(description ?? words[type] ?? type)
    this.name = 'JmapError'
    this.type = type
  }
}

const words: Readonly<Record<string, string>> = {
  offline: 'You are offline.',
  overQuota: 'There is no room left in the account.',
  tooLarge: 'That is too large.',
  forbidden: 'You may not do that.',
  notFound: 'It is no longer there.',
  stateMismatch: 'It was changed elsewhere in the meantime.',
  cannotUnsend: 'It has been sent already.',
  forbiddenFrom: 'You may not send from that address.',
  noRecipients: 'There is nobody to send it to.',
  invalidRecipients: 'One of the recipients is no address.',
  tooManyRecipients: 'There are too many recipients.',
  serverUnavailable: 'The server cannot do it now. Try again in a moment.',
  serverPartialFail: 'The server did a part of it only.',
  serverFail: 'Something failed on the server.',
  upload: 'The upload failed.',
  aborted: 'It was stopped.',
}

type Args = Readonly<Record<string, unknown>>
type Invocation = readonly [name: string, args: Args, callId: string]

interface Pending {
  readonly invocation: Invocation
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
}

/** A call of a batch: its answer, and what others of the batch write to refer to a part of it. */
export interface Call<T> {
  readonly result: Promise<T>
  ref(path: string): { resultOf: string; name: string; path: string }
}

export class Batch {
  readonly #client: JmapClient
  readonly #calls: Pending[] = []

  constructor(client: JmapClient) {
    this.#client = client
  }

  /** `accountId` is put in. `T` is what RFC 8620 and RFC 8621 say the method answers. */
  add<T>(name: string, args: Args): Call<T> {
    const callId = `c${this.#calls.length}`
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const invocation: Invocation = [name, { accountId: this.#client.accountId, ...args }, callId]
    this.#calls.push({ invocation, resolve, reject })
    // Whoever wants the refusal awaits it; the others of the batch must not fail for it.
    promise.catch(() => undefined)
    return { result: promise, ref: (path) => ({ resultOf: callId, name, path }) }
  }

  async send(): Promise<void> {
    if (this.#calls.length > 0) await this.#client.post(this.#calls)
  }
}

interface ApiResponse {
  readonly methodResponses: readonly Invocation[]
  readonly sessionState: string
}

/** Called whenever the server does not know us (any more); true: now it does, and what was asked is asked again. */
type OnExpired = () => Promise<boolean>

export class JmapClient {
  readonly session: JmapSession
  readonly accountId: Id
  /** Whether the server was reached the last time. */
  readonly online: Signal<boolean> = signal(navigator.onLine)
  /** Whether the server did not know us the last time it was asked. */
  readonly expired: Signal<boolean> = signal(false)
  readonly #onExpired: OnExpired

  private constructor(session: JmapSession, onExpired: OnExpired) {
    this.session = session
    this.accountId = session.primaryAccounts[mailCapability] ?? ''
    this.#onExpired = onExpired
    addEventListener('online', () => (this.online.value = true))
    addEventListener('offline', () => (this.online.value = false))
  }

  /** Without a network, the session is as it was the last time. */
  static async open(onExpired: OnExpired): Promise<JmapClient> {
    const kept = await readKept<JmapSession>('session')
    let response: Response
    try {
      response = await fetch('/jmap/session', { headers: { accept: 'application/json' } })
    } catch {
      if (kept === undefined) throw new JmapError('offline')
      const client = new JmapClient(kept, onExpired)
      client.online.value = false
      return client
    }
    if (response.status === 401 || response.status === 403) void onExpired()
    if (!response.ok) throw new JmapError('session', `The server answered ${response.status}.`)
    const session = (await response.json()) as JmapSession
    if (kept !== undefined && kept.username !== session.username) await forgetKept()
    await writeKept('session', session)
    return new JmapClient(session, onExpired)
  }

  /** What one method may ask for or change (RFC 8620 §2): at least so many, whatever the server says. */
  get limits(): { readonly objectsInGet: number; readonly objectsInSet: number } {
    const core = this.session.capabilities[coreCapability]
    const limit = (name: string): number => Math.max(1, Number(core?.[name] ?? 500))
    return { objectsInGet: limit('maxObjectsInGet'), objectsInSet: limit('maxObjectsInSet') }
  }

  /** Octets that the files of one Email may have together (RFC 8621 §1.3.1); Infinity where the server says nothing. */
  get largestFiles(): number {
    const mail = this.session.accounts[this.accountId]?.accountCapabilities[mailCapability]
    return Number(mail?.['maxSizeAttachmentsPerEmail'] ?? Infinity)
  }

  batch(): Batch {
    return new Batch(this)
  }

  /** One call alone. */
  async call<T>(name: string, args: Args): Promise<T> {
    const batch = this.batch()
    const { result } = batch.add<T>(name, args)
    await batch.send()
    return result
  }

  async post(calls: readonly Pending[]): Promise<void> {
    const methodCalls = calls.map(({ invocation }) => invocation)
    let response: ApiResponse
    try {
      response = await this.#send(
        JSON.stringify({ using, methodCalls }),
        isReading(methodCalls) ? readTries : 1,
      )
    } catch (error) {
      for (const { reject } of calls) reject(error instanceof Error ? error : new Error(String(error)))
      return
    }
    for (const { invocation, resolve, reject } of calls) {
      // A method may answer more than once (RFC 8621 §7.5): the first answer is its own.
      const answer = response.methodResponses.find(([, , id]) => id === invocation[2])
      if (answer === undefined) reject(new JmapError('serverFail', 'The server did not answer.'))
      else if (answer[0] === 'error') {
        const { type, description } = answer[1] as { type: string; description?: string }
        reject(new JmapError(type, description))
      } else resolve(answer[1] as never)
    }
  }

  async #send(body: string, tries: number): Promise<ApiResponse> {
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await fetch(localPath(this.session.apiUrl), {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/json' },
          body,
        })
        this.online.value = true
        this.expired.value = response.status === 401
        if (response.status === 401 && (await this.#onExpired())) continue
        if (response.ok) return (await response.json()) as ApiResponse
        // Nothing was done: other windows ask at the same time (RFC 8620 §3.6.1, `maxConcurrentRequests`).
        const isBusy = response.status === 429 && attempt < busyTries
        if (!isBusy && (attempt >= tries || response.status < 500)) throw await problemOf(response)
      } catch (error) {
        if (error instanceof JmapError) throw error
        this.online.value = false
        if (attempt >= tries || !navigator.onLine) throw new JmapError('offline')
      }
      await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt))
    }
  }

  /** Where a blob can be had (RFC 8620 §6.2). */
  downloadUrl(blobId: Id, name: string, type = 'application/octet-stream'): string {
    const fields: Readonly<Record<string, string>> = { accountId: this.accountId, blobId, name, type }
    return localPath(
      this.session.downloadUrl.replaceAll(/\{(\w+)\}/g, (_, field: string) =>
        encodeURIComponent(fields[field] ?? ''),
      ),
    )
  }

  async download(blobId: Id, type: string): Promise<Blob> {
    const response = await fetch(this.downloadUrl(blobId, 'part', type))
    if (!response.ok) throw await problemOf(response)
    return response.blob()
  }

  /** RFC 8620 §6.1; `onProgress` hears a fraction. */
  upload(
    body: Blob,
    {
      type,
      onProgress,
      signal: abort,
    }: { type: string; onProgress?: (part: number) => void; signal?: AbortSignal },
  ): Promise<{ blobId: Id; size: number; type: string }> {
    const request = new XMLHttpRequest()
    const { promise, resolve, reject } = Promise.withResolvers<{ blobId: Id; size: number; type: string }>()
    request.open(
      'POST',
      localPath(this.session.uploadUrl.replace('{accountId}', encodeURIComponent(this.accountId))),
    )
    request.setRequestHeader('content-type', type)
    request.responseType = 'json'
    request.upload.addEventListener('progress', ({ loaded, total }) =>
      onProgress?.(total === 0 ? 0 : loaded / total),
    )
    request.addEventListener('load', () => {
      if (request.status >= 200 && request.status < 300)
        resolve(request.response as { blobId: Id; size: number; type: string })
      else reject(new JmapError(request.status === 413 ? 'tooLarge' : 'upload'))
    })
    request.addEventListener('error', () => reject(new JmapError('offline')))
    request.addEventListener('abort', () => reject(new JmapError('aborted')))
    abort?.addEventListener('abort', () => request.abort())
    request.send(body)
    return promise
  }

  /**
   * Calls back whenever something of this account changed, and with null where nobody knows what did: once the stream is open, the first
   * time and after each reconnection, and whenever it was refused (RFC 8620 §7.3 says what changes, not what did).
   */
  listen(onChange: (types: Readonly<Record<string, string>> | null) => void): () => void {
    const fields: Readonly<Record<string, string>> = {
      types: '*',
      closeafter: 'no',
      ping: String(pingSeconds),
    }
    const url = this.session.eventSourceUrl.replaceAll(
      /\{(\w+)\}/g,
      (_, field: string) => fields[field] ?? '',
    )
    return openStream({
      path: localPath(url),
      events: {
        state: (data) => {
          const { changed } = JSON.parse(data) as StateChange
          const own = changed[this.accountId]
          if (own !== undefined) onChange(own)
        },
        ping: () => undefined,
      },
      onOpen: () => {
        this.online.value = true
        onChange(null)
      },
      onRefused: () => onChange(null),
      longestSilence: 2.5 * pingSeconds * 1000,
    })
  }
}

/** URLs of the session name the server as it knows itself; behind a proxy the page's own origin is the right one. */
function localPath(url: string): string {
  return url.replace(/^https?:\/\/[^/]+/, '')
}

function isReading(calls: readonly Invocation[]): boolean {
  return calls.every(([name]) => /\/(?:get|query|changes|queryChanges|parse|echo)$/.test(name))
}

async function problemOf(response: Response): Promise<JmapError> {
  const body = (await response.json().catch(() => ({}))) as { type?: string; detail?: string; title?: string }
  return new JmapError(
    body.type ?? 'serverFail',
    body.detail ?? body.title ?? `The server answered ${response.status}.`,
  )
}

/** What an object of a `/set` was refused with (RFC 8620 §5.3). */
export function refusalOf({ type, description }: SetError): JmapError {
  return new JmapError(type, words[type] ?? description)
}

/** Throws the first refusal of a `/set`. */
export function checkSet(response: Pick<SetResponse, 'notCreated' | 'notUpdated' | 'notDestroyed'>): void {
  for (const refused of [response.notCreated, response.notUpdated, response.notDestroyed]) {
    const [first] = Object.values(refused ?? {})
    if (first !== undefined) throw refusalOf(first)
  }
}
