// The server's own HTTP API (`/api/v1/…`): JSON in, JSON out, with the session's cookie; refusals are problem details (RFC 9457).

/** A refusal, in the server's words. `code` tells them apart. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  /** Seconds after which to try again; null where nothing was said. */
  readonly retryAfter: number | null

  constructor(
    status: number,
    problem: { code?: string; title?: string; detail?: string },
    retryAfter: number | null,
  ) {
    super(problem.detail ?? problem.title ?? `The server answered ${status}.`)
    this.name = 'ApiError'
    this.status = status
    this.code = problem.code ?? String(status)
    this.retryAfter = retryAfter
  }
}

const sessionPath = '/api/v1/session'

/** Who asks to log in, where a page goes on afterwards. */
export interface SessionKeeper {
  /** Moves when somebody does not want to log in: what was sent before that asks him no more. */
  readonly mark: () => number
  /** Resolves to whether there is a session again. */
  readonly logIn: (mark: number) => Promise<boolean>
}

/** Null: whoever asks hears of the refusal. */
let keeper: SessionKeeper | null = null

/** From here on, what is refused because the session has ended waits for a log-in, and is asked again. */
export function keepSession(by: SessionKeeper): void {
  keeper = by
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const mark = keeper?.mark() ?? 0
  try {
    return await callOnce<T>(method, path, body)
  } catch (error) {
    // A wrong password is a 401 too; and nobody logs in to log out.
    const isOver = error instanceof ApiError && error.code === 'unauthorized' && path !== sessionPath
    if (!isOver || keeper === null) throw error
    if (!(await keeper.logIn(mark)))
      throw new ApiError(401, { ...error, detail: 'You have been logged out.' }, null)
    return call<T>(method, path, body)
  }
}

async function callOnce<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(path, {
    method,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new ApiError(0, { code: 'offline', detail: 'The server cannot be reached.' }, null)
  })
  const text = await response.text()
  const json: unknown = text === '' ? undefined : parse(text)
  if (!response.ok) {
    const retry = Number(response.headers.get('retry-after') ?? Number.NaN)
    throw new ApiError(response.status, isObject(json) ? json : {}, Number.isNaN(retry) ? null : retry)
  }
  // The shape is the server's promise: `src/http/api` declares it, and its tests hold it.
  return json as T
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A proxy's page, say: its status tells enough.
    return undefined
  }
}

function isObject(value: unknown): value is { code?: string; title?: string; detail?: string } {
  return typeof value === 'object' && value !== null
}

export const api = {
  get: <T>(path: string): Promise<T> => call<T>('GET', path),
  post: <T>(path: string, body?: unknown): Promise<T> => call<T>('POST', path, body),
  put: <T>(path: string, body?: unknown): Promise<T> => call<T>('PUT', path, body),
  patch: <T>(path: string, body?: unknown): Promise<T> => call<T>('PATCH', path, body),
  delete: <T>(path: string, body?: unknown): Promise<T> => call<T>('DELETE', path, body),
}
