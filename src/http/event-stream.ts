// Server-sent events (WHATWG HTML §9.2), as the answer to a request: kept by nobody, and held up by no proxy.

export function eventStream(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  })
}
