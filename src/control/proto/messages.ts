// The language between the command line and a running server: JSON, one message a line, over a local socket that only
// the owner of the data folder can open.
//
// A request names an operation and its arguments; the reply carries the result, or an error with its kind. Long operations send
// progress lines before their reply, and those that watch something send an event line for each thing they see. To an operation that
// is fed the client sends values behind its request, one a line. Nothing else is
// ever sent, and a line longer than the limit ends the connection.

/** What the client asks. */
export interface ControlRequest {
  readonly operation: string
  readonly arguments: unknown
  /** Who asks, as he says: whoever may open the socket owns the server. */
  readonly user: string | null
}

/** What the server says. `refused` is an expected no (a name that is taken), `failed` is trouble. */
export type ControlMessage =
  | { readonly type: 'progress'; readonly done: number; readonly total: number }
  | { readonly type: 'event'; readonly event: unknown }
  | { readonly type: 'result'; readonly result: unknown }
  | { readonly type: 'refused' | 'failed'; readonly message: string }

/** Characters of one line, either way: an import of some 100,000 accounts fits, and a message of 60 MB in base64. */
export const maxControlLine = 80 * 1024 * 1024

/** Characters of a user's name. */
const maxUser = 200

/** Cuts a stream of text into lines; `null` from `push` means the limit was passed. */
export class ControlLines {
  /** Pieces of the line that has not ended: joined once, however many there are. */
  #pieces: string[] = []
  #length = 0

  push(text: string): string[] | null {
    if (!text.includes('\n')) {
      this.#pieces.push(text)
      this.#length += text.length
      return this.#length > maxControlLine ? null : []
    }
    const lines = [...this.#pieces, text].join('').split('\n')
    const rest = lines.pop() ?? ''
    this.#pieces = [rest]
    this.#length = rest.length
    return lines
  }
}

/** The request of a line, or undefined when it is none. */
export function tryControlRequest(line: string): ControlRequest | undefined {
  const value = tryJson(line)
  if (typeof value !== 'object' || value === null) return undefined
  if (!('operation' in value) || typeof value.operation !== 'string') return undefined
  const user = 'user' in value && typeof value.user === 'string' ? value.user.slice(0, maxUser) : null
  return { operation: value.operation, arguments: 'arguments' in value ? value.arguments : undefined, user }
}

/** What a client sends behind its request: any value; undefined for what is no JSON. */
export function tryControlInput(line: string): unknown {
  return tryJson(line)
}

/** The message of a line, or undefined when it is none. */
export function tryControlMessage(line: string): ControlMessage | undefined {
  const value = tryJson(line)
  if (typeof value !== 'object' || value === null || !('type' in value)) return undefined
  switch (value.type) {
    case 'progress':
      return 'done' in value &&
        typeof value.done === 'number' &&
        'total' in value &&
        typeof value.total === 'number'
        ? { type: 'progress', done: value.done, total: value.total }
        : undefined
    case 'event':
      return { type: 'event', event: 'event' in value ? value.event : undefined }
    case 'result':
      return { type: 'result', result: 'result' in value ? value.result : undefined }
    case 'refused':
    case 'failed':
      return 'message' in value && typeof value.message === 'string'
        ? { type: value.type, message: value.message }
        : undefined
    default:
      return undefined
  }
}

function tryJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
