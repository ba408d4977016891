// A browser as far as the pages' API sees one: keeps cookies, says where a request comes from, sends JSON.
import assert from 'node:assert/strict'
import type { HttpHouse } from './http-house.ts'

export interface BrowserAnswer {
  readonly status: number
  readonly headers: Headers
  /** JSON, or null. */
  readonly body: Record<string, unknown>
}

export class Browser {
  readonly #house: HttpHouse
  readonly cookies = new Map<string, string>()
  /** The last `Set-Cookie`. */
  lastCookie = ''

  constructor(house: HttpHouse) {
    this.#house = house
  }

  async ask(
    target: string,
    { json, headers = {} }: { json?: unknown; headers?: Record<string, string> } = {},
  ): Promise<BrowserAnswer> {
    const [method = '', path = ''] = target.split(' ')
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await this.#house.fetch(path, {
      method,
      headers: {
        'sec-fetch-site': 'same-origin',
        ...(cookie !== '' && { cookie }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    })
    for (const line of response.headers.getSetCookie()) this.#take(line)
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) }
  }

  /** The answer's body, of a request that must succeed. */
  async must(target: string, init: { json?: unknown } = {}): Promise<Record<string, unknown>> {
    const { status, body } = await this.ask(target, init)
    assert.ok(status >= 200 && status < 300, `${target}: ${status} ${JSON.stringify(body)}`)
    return body
  }

  /** The status and code of a request that must be refused. */
  async refused(
    target: string,
    init: { json?: unknown; headers?: Record<string, string> } = {},
  ): Promise<string> {
    const { status, body } = await this.ask(target, init)
    assert.ok(status >= 400, `${target}: ${status} ${JSON.stringify(body)}`)
    return `${status} ${String(body['code'])}`
  }

  #take(line: string): void {
    this.lastCookie = line
    const [pair = ''] = line.split(';')
    const at = pair.indexOf('=')
    if (/max-age=0(?:;|$)/i.test(line)) this.cookies.delete(pair.slice(0, at))
    else this.cookies.set(pair.slice(0, at), pair.slice(at + 1))
  }
}
