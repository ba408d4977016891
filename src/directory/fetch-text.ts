// Documents by HTTPS for the directory (an issuer's keys), with Node's own client: bounded in time and size, no redirects elsewhere.
import type { Clock } from '../base/clock.ts'
import type { FetchText } from './tokens.ts'

/** `fetch` is `globalThis.fetch`, or a simulated one. */
export function createFetchText(options: { readonly fetch: typeof fetch; readonly clock: Clock }): FetchText {
  return async (url, { milliseconds, octets }) => {
    const abort = new AbortController()
    const timer = options.clock.after(milliseconds, () =>
      abort.abort(new Error(`${url} did not answer in time`)),
    )
    try {
      const response = await options.fetch(url, {
        signal: abort.signal,
        redirect: 'error',
        headers: { accept: 'application/json' },
      })
      if (!response.ok || response.body === null) throw new Error(`${url} answered ${response.status}`)
      const decoder = new TextDecoder()
      let text = ''
      let received = 0
      for await (const chunk of response.body) {
        received += chunk.byteLength
        if (received > octets) throw new Error(`${url} answered with more than ${octets} octets`)
        text += decoder.decode(chunk, { stream: true })
      }
      return text + decoder.decode()
    } finally {
      timer.cancel()
      abort.abort()
    }
  }
}
