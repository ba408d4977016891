// `GET /api/v1/terminal`: an open request is a terminal of the account (RFC 821 §3.4 SEND, SAML), as server-sent events. Each message is an
// event `message` with JSON; a comment now and then keeps proxies from closing the connection.
import { Buffer } from 'node:buffer'
import type { Account } from '../store/model.ts'
import type { HttpParts } from './parts.ts'
import { eventStream } from './event-stream.ts'
import { makeProblem, problemResponse } from './problem.ts'

const tooMany = makeProblem(429, 'too-many-terminals', 'Too many terminals of the account are open.')

/** Stays open until the client goes away or `stopping` aborts. */
export function openTerminal(
  { terminals, clock, config }: HttpParts,
  account: Account,
  { signal, stopping, holds }: { signal: AbortSignal; stopping: AbortSignal; holds: () => Promise<boolean> },
): Response {
  if (terminals.count(account.id) >= config.maxTerminals) {
    return problemResponse(tooMany)
  }
  const ended = AbortSignal.any([signal, stopping])
  let close = (): void => {}
  let isOver = false
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const say = (text: string): boolean => {
          if (ended.aborted || (controller.desiredSize ?? 0) <= 0) return false
          controller.enqueue(Buffer.from(text))
          return true
        }
        const attached = terminals.attach(account.id, {
          kind: 'web',
          show: (message) => say(`event: message\ndata: ${JSON.stringify(message)}\n\n`),
        })
        let timer = clock.after(config.eventPing, ping)
        function ping(): void {
          say(': ping\n\n')
          timer = clock.after(config.eventPing, ping)
          // What cannot be judged now is judged the next time.
          void holds().then(
            (still) => (still ? undefined : end()),
            () => {},
          )
        }
        say(': attached\n\n')
        const end = (): void => {
          if (isOver) return
          isOver = true
          close()
          controller.close()
        }
        close = () => {
          ended.removeEventListener('abort', end)
          timer.cancel()
          attached[Symbol.dispose]()
        }
        if (ended.aborted) end()
        else ended.addEventListener('abort', end, { once: true })
      },
      // Its reader has gone.
      cancel() {
        isOver = true
        close()
      },
    },
    { highWaterMark: config.maxWaitingEvents },
  )
  return eventStream(body)
}
