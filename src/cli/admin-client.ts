// Administration from the command line: over the local socket of a running server, or, where none runs, on the store opened
// here. Either way the same table of operations does the work (control/server/operations.ts). A store is begun by `domain add`
// alone: any other command in the wrong folder would answer for an empty store that it had just made.
import { connect, type Socket } from 'node:net'
import type { Config } from '../config/schema.ts'
import { ControlLines, type ControlMessage, tryControlMessage } from '../control/proto/messages.ts'
import { controlSocketPath } from '../control/server/control-server.ts'
import { type Progress, RefusedOperation } from '../control/server/operation.ts'
import { openBackend } from '../wiring/backend.ts'
import { hasStore } from '../wiring/storage.ts'
import { type ConfigOptions, loadConfig } from './configuration.ts'
import { CommandError, exitCode } from './io.ts'
import { openFailure } from './open-failure.ts'

/** An operation of the table. */
export interface AdminCall {
  readonly operation: string
  readonly parameters?: unknown
  readonly onProgress?: Progress
  /** For operations that watch. */
  readonly onEvent?: (event: unknown) => void
  /** What a running server alone can do is not tried on a store. */
  readonly needs?: 'server'
  /** Ends an operation that watches. */
  readonly signal?: AbortSignal
}

/** Does one operation on the server or store that the options name, and gives its result. */
export async function administer<T>(options: ConfigOptions, call: AdminCall): Promise<T> {
  const config = await loadConfig(options)
  try {
    const socket = await tryServer(config)
    if (socket === undefined && call.needs === 'server') throw noServer(config)
    // The table and its callers are in one program; the socket carries what the table gave.
    return (socket === undefined ? await onStore(config, call) : await onServer(socket, call)) as T
  } catch (error) {
    if (error instanceof RefusedOperation) throw new CommandError(exitCode.refused, error.message)
    throw openFailure(error)
  }
}

function noServer(config: Config): CommandError {
  return new CommandError(
    exitCode.unavailable,
    config.store.postgres === undefined
      ? `No server runs on ${config.data ?? 'a data folder that this command knows'}. Start it: posthorn serve`
      : 'The command line cannot reach the servers of a cluster for this.',
  )
}

/** The operation that may make a store: nothing else makes sense without a domain. */
const beginning = 'domain.add'

async function onStore(config: Config, call: AdminCall): Promise<unknown> {
  if (config.data === null && config.store.postgres === undefined) {
    throw new CommandError(
      exitCode.config,
      'There is no store to work on: give --config FILE or --data FOLDER, or run this in a folder with a posthorn.toml.',
    )
  }
  if (call.operation !== beginning && !(await hasStore(config))) {
    throw new CommandError(
      exitCode.unavailable,
      `There is no store in ${config.data}. Begin one with \`posthorn domain add example.org\`, or name its folder by --data.`,
    )
  }
  await using backend = await openBackend(config)
  return await backend.operations.run(call.operation, call.parameters, {
    ...(call.onProgress === undefined ? {} : { onProgress: call.onProgress }),
    ...(call.onEvent === undefined ? {} : { onEvent: call.onEvent }),
  })
}

/** A connection to the server that holds the data folder, or undefined where none answers. */
function tryServer(config: Config): Promise<Socket | undefined> {
  const { data } = config
  if (data === null || config.store.postgres !== undefined) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    const socket = connect(controlSocketPath(data))
    socket.once('connect', () => resolve(socket))
    socket.once('error', () => resolve(undefined))
  })
}

async function onServer(socket: Socket, call: AdminCall): Promise<unknown> {
  socket.setEncoding('utf8')
  call.signal?.addEventListener('abort', () => socket.end(), { once: true })
  socket.write(`${JSON.stringify({ operation: call.operation, arguments: call.parameters })}\n`)
  const lines = new ControlLines()
  for await (const text of socket) {
    for (const line of lines.push(String(text)) ?? []) {
      const message = tryControlMessage(line)
      if (message?.type === 'progress') call.onProgress?.(message.done, message.total)
      else if (message?.type === 'event') call.onEvent?.(message.event)
      else if (message !== undefined) return finished(message)
    }
  }
  if (call.signal?.aborted === true) return undefined
  throw new CommandError(
    exitCode.unavailable,
    'The server closed the connection before it answered. Is it stopping?',
  )
}

function finished(message: Exclude<ControlMessage, { type: 'progress' | 'event' }>): unknown {
  switch (message.type) {
    case 'result':
      return message.result
    case 'refused':
      throw new RefusedOperation(message.message)
    case 'failed':
      throw new CommandError(exitCode.unavailable, message.message)
  }
}
