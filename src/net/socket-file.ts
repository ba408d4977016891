// A UNIX socket to listen on: a file that whoever may write to it can connect to.
//
// What a program left behind that ended without a word is replaced; a socket that somebody still answers, and a file that is none, are not.
import { chmod, lstat, rm } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import type { Peer } from '../base/core.ts'

export interface SocketFile {
  readonly path: string
  /** Permissions of the file: `0o660`. */
  readonly mode: number
}

/** The path in `unix:/path`; undefined for all other addresses. */
export function trySocketPath(address: string): string | undefined {
  return address.startsWith('unix:') ? address.slice('unix:'.length) : undefined
}

/** Whoever came by a file is on this machine, and has no address of his own. */
export const localPeer: Peer = {
  ...{ remoteAddress: '127.0.0.1', remotePort: 0 },
  ...{ localAddress: '127.0.0.1', localPort: 0 },
}

/** Binds. Rejects with the system's error, `EADDRINUSE` where the path is taken. Closing the server takes the file away. */
export async function openSocketFile(
  server: Server,
  { path, mode, backlog }: SocketFile & { readonly backlog: number },
): Promise<void> {
  await makeRoom(path)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path, backlog }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  try {
    await chmod(path, mode)
  } catch (error) {
    server.close()
    throw error
  }
}

async function makeRoom(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
  if (found === null) return
  if (!found.isSocket()) throw taken(`${path} is there, and is no socket`)
  if (await isAnswered(path)) throw taken(`${path} is another server's`)
  await rm(path, { force: true })
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error) => {
      const code = codeOf(error)
      if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(false)
      else reject(error)
    })
  })
}

function taken(message: string): Error {
  return Object.assign(new Error(message), { code: 'EADDRINUSE' })
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
