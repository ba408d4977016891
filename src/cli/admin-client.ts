// Administration from the command line: over the local socket of a running server, or, where none runs, on the store opened
// here. Either way the same table of operations does the work (control/server/operations.ts). A store is begun by `domain add`
// alone: any other command in the wrong folder would answer for an empty store that it had just made.
import { connect, type Socket } from 'node:net'
import type { Config } from '../config/schema.ts'
import { ControlLines, type ControlMessage, tryControlMessage } from '../control/proto/messages.ts'
import { controlSocketPath } from '../control/server/control-server.ts'
import { type Progress, RefusedOperation } from '../control/server/operation.ts'
import type { Backend } from '../wiring/backend.ts'
import { hasStore } from '../wiring/storage.ts'
import { type ConfigOptions, loadConfig } from './configuration.ts'
import { CommandError, exitCode } from './io.ts'
import { openFailure } from './open-failure.ts'
import { commandOperator } from './operator.ts'

/** An operation of the table. */
export interface AdminCall {
  readonly operation: string
  readonly parameters?: unknown
  readonly onProgress?: Progress
  /** For operations that watch. */
  readonly onEvent?: (event: unknown) => void
  /** What a running server alone can do is not tried on a store. */
  readonly needs?: 'server'
  /** For operations that are fed: plain data, in order. */
  readonly input?: AsyncIterable<unknown>
  /** Ends an operation that watches. */
  readonly signal?: AbortSignal
}

/** Operations on one server or store, several of them. */
export interface AdminSession extends AsyncDisposable {
  /** A server is running: others want its time too. */
  readonly on: 'server' | 'store'
  run<T>(call: AdminCall): Promise<T>
}

/** For commands that do more than one operation: a store is opened once. */
export async function openAdministration(options: ConfigOptions): Promise<AdminSession> {
  const config = await loadConfig(options)
  const first = await tryServer(config)
  if (first === undefined) {
    const backend = await asCommand(() => openStoreFor(config, ''))
    return {
      on: 'store',
      // The table and its callers are in one program.
      run: <T>(call: AdminCall) => asCommand(() => runOn(backend, call) as Promise<T>),
      [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
    }
  }
  first.destroy()
  return {
    on: 'server',
    run: <T>(call: AdminCall) =>
      asCommand(async () => {
        const socket = await tryServer(config)
        if (socket === undefined) throw noServer(config)
        return (await onServer(socket, call)) as T
      }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

/** Failures as those of a command. */
async function asCommand<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof RefusedOperation) throw new CommandError(exitCode.refused, error.message)
    throw openFailure(error)
  }
}

/** Does one operation on the server or store that the options name, and gives its result. */
export async function administer<T>(options: ConfigOptions, call: AdminCall): Promise<T> {
  const config = await loadConfig(options)
  return asCommand(async () => {
    const socket = await tryServer(config)
    if (socket === undefined && call.needs === 'server') throw noServer(config)
    // The table and its callers are in one program; the socket carries what the table gave.
    return (socket === undefined ? await onStore(config, call) : await onServer(socket, call)) as T
  })
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
  await using backend = await openStoreFor(config, call.operation)
  return await runOn(backend, call)
}

async function openStoreFor(config: Config, operation: string): Promise<Backend> {
  if (config.data === null && config.store.postgres === undefined) {
    throw new CommandError(
      exitCode.config,
      'There is no store to work on: give --config FILE or --data FOLDER, or run this in a folder with a posthorn.toml.',
    )
  }
  if (operation !== beginning && !(await hasStore(config))) {
    throw new CommandError(
      exitCode.unavailable,
      `There is no store in ${config.data}. Begin one with \`posthorn domain add example.org\`, or name its folder by --data.`,
    )
  }
  // A server that runs has loaded it already.
  const { openBackend } = await import('../wiring/backend.ts')
  return openBackend(config)
}

function runOn(backend: Backend, call: AdminCall): Promise<unknown> {
  return backend.operations.run(call.operation, call.parameters, {
    operator: commandOperator(process.env),
    ...(call.onProgress === undefined ? {} : { onProgress: call.onProgress }),
    ...(call.onEvent === undefined ? {} : { onEvent: call.onEvent }),
    ...(call.input === undefined ? {} : { input: call.input }),
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
  const { operation, parameters } = call
  const user = commandOperator(process.env).name
  socket.write(`${JSON.stringify({ operation, arguments: parameters, user })}\n`)
  const feeding = call.input === undefined ? null : new Feeding(socket, call.input)
  try {
    const answer = await answerOf(socket, call)
    feeding?.failure()
    return answer
  } catch (error) {
    feeding?.failure()
    if (error instanceof Error && 'syscall' in error) {
      throw new CommandError(
        exitCode.unavailable,
        `The server went away before it answered: ${error.message}.`,
      )
    }
    throw error
  } finally {
    feeding?.stop()
    socket.destroy()
  }
}

/** Sends what an operation is fed with, no faster than it takes it. */
class Feeding {
  #error: { readonly what: unknown } | null = null
  #isStopped = false

  constructor(socket: Socket, input: AsyncIterable<unknown>) {
    this.#feed(socket, input).catch((what: unknown) => {
      // The operation keeps what has come.
      this.#error = { what }
      socket.end()
    })
  }

  /** Throws where the source has broken: that is what happened, whatever the operation answered. */
  failure(): void {
    if (this.#error !== null) throw this.#error.what
  }

  stop(): void {
    this.#isStopped = true
  }

  async #feed(socket: Socket, input: AsyncIterable<unknown>): Promise<void> {
    for await (const value of input) {
      if (this.#isStopped || socket.destroyed) return
      if (!socket.write(`${JSON.stringify(value)}\n`)) await drained(socket)
    }
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      socket.off('drain', go).off('close', go)
      resolve()
    }
    socket.on('drain', go).on('close', go)
  })
}

async function answerOf(socket: Socket, call: AdminCall): Promise<unknown> {
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
