// From Node's requests to the site's and back: what of a listener is loaded when the first request comes.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import type { Connected, Site } from './site.ts'
import { makeProblem, problemResponse } from './problem.ts'
import { acceptWebSocket, type SocketSurroundings } from './web-sockets.ts'

export interface Carrier {
  request(incoming: IncomingMessage, outgoing: ServerResponse): void
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void
}

export interface CarrierOptions extends SocketSurroundings {
  readonly site: Site
  /** Of a request: who sent it, and how. */
  readonly connected: (incoming: IncomingMessage, headers: Headers) => Connected
}

export function createCarrier({ site, connected, ...surroundings }: CarrierOptions): Carrier {
  const listener = getRequestListener(
    (request, { incoming }) =>
      // An IncomingMessage of HTTP/1.1: no other is listened for.
      site.fetch(request, connected(incoming as IncomingMessage, request.headers)),
    // The global Request and Response are not ours to replace.
    { overrideGlobalObjects: false },
  )
  return {
    request(incoming, outgoing) {
      const place = takeRoot(incoming, site.root)
      if (place === 'inside') void listener(incoming, outgoing)
      else if (place === 'root') outgoing.writeHead(302, { location: `${site.root}/` }).end()
      else outgoing.writeHead(404, { 'content-type': 'text/plain' }).end('There is nothing here.\n')
    },
    upgrade(incoming, socket, head) {
      socket.on('error', () => socket.destroy())
      if (takeRoot(incoming, site.root) !== 'inside') {
        void refuse(socket, problemResponse(makeProblem(404, 'not-found', 'There is nothing here.')))
        return
      }
      void upgrade(incoming, { site, connected })
        .then((taken) =>
          taken instanceof Response
            ? refuse(socket, taken)
            : acceptWebSocket({ incoming, socket, head }, taken, surroundings),
        )
        .catch(() => socket.destroy())
    },
  }
}

/** Takes off what stands before our paths, so that nobody behind this knows of it. */
function takeRoot(incoming: IncomingMessage, root: string): 'inside' | 'root' | 'outside' {
  if (root === '') return 'inside'
  const { url = '' } = incoming
  if (url === root || url.startsWith(`${root}?`)) return 'root'
  if (!url.startsWith(`${root}/`)) return 'outside'
  incoming.url = url.slice(root.length)
  return 'inside'
}

async function upgrade(
  incoming: IncomingMessage,
  { site, connected }: Pick<CarrierOptions, 'site' | 'connected'>,
): ReturnType<Site['upgrade']> {
  // RFC 6455 §4.2.1: GET, and no other protocol is known here.
  if (incoming.method !== 'GET' || incoming.headers.upgrade?.toLowerCase() !== 'websocket') {
    return problemResponse(makeProblem(400, 'bad-upgrade', 'Only WebSockets can be upgraded to.'))
  }
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headersDistinct)) {
    for (const one of value ?? []) headers.append(name, one)
  }
  const url = URL.parse(`http://${incoming.headers.host ?? ''}${incoming.url ?? ''}`)
  if (url === null) return problemResponse(makeProblem(400, 'bad-request', 'Host and path make no URL.'))
  return site.upgrade(new Request(url, { headers }), connected(incoming, headers))
}

/** The connection has left Node's hands: the answer is written by us, and the connection ends with it. */
async function refuse(socket: Duplex, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer())
  const lines = [`HTTP/1.1 ${response.status} Refused`]
  for (const [name, value] of response.headers) lines.push(`${name}: ${value}`)
  lines.push(`content-length: ${body.length}`, 'connection: close', '', '')
  socket.end(Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), body]))
}
