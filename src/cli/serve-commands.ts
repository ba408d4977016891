// `posthorn serve` and `posthorn dev`: run until SIGTERM or SIGINT.
//
// `serve` prints one line a listener (`listening smtp 127.0.0.1:2525 starttls`), where the pages are, and then `ready`, on standard output, so that a
// supervisor or a test can wait for it; the log goes to standard error. A second signal ends the process at once.
import type { Command } from 'commander'
import type { Layer } from '../config/layers.ts'
import type { Config, ProfileName } from '../config/schema.ts'
import type { EventSink } from '../events/event.ts'
import * as serverEvents from '../events/server.ts'
import { textLog } from '../events/text-log.ts'
import type { OpenListener, Posthorn } from '../main.ts'
import type { Surroundings } from '../wiring/backend.ts'
import { configLayers, type ConfigOptions, loadConfig } from './configuration.ts'
import type { Io } from './io.ts'
import { openFailure } from './open-failure.ts'
import { giveMemoryBack, MemoryTidier } from './tidy-memory.ts'

interface Options extends ConfigOptions {
  readonly json?: boolean
}

/** What `addServeCommands` adds. */
export const serveCommands: readonly string[] = ['serve', 'dev']

/** Adds `serve` and `dev`. */
export function addServeCommands(program: Command, io: Io): void {
  program
    .command('serve')
    .description('Run the server until SIGTERM.')
    .option('--config <file>', 'configuration file; default: posthorn.config.ts or posthorn.toml here')
    .option('--data <folder>', 'data folder; default: the one of the configuration')
    .option('--json', 'print the listeners and `ready` as JSON lines')
    .action(async (options: Options) => {
      await runUntilStopped(await loadServer(options), io, (posthorn) => {
        for (const listener of posthorn.listeners) io.out(listenerLine(listener, options))
        io.out(pagesLine(posthorn, options))
        io.out(options.json ? '{"ready":true}\n' : 'ready\n')
      })
    })
  program
    .command('dev')
    .description(
      'Catch mail on this machine: take everything, deliver nothing elsewhere, read it with any password.',
    )
    .option('--config <file>', 'configuration file over the development defaults; default: none')
    .option('--data <folder>', 'keep the mail in this folder; default: in memory, gone at the end')
    .option('--json', 'print the listeners and `ready` as JSON lines')
    .action(async (options: Options) => {
      await runUntilStopped(await loadServer(options, 'dev'), io, (posthorn) => {
        if (!options.json) io.out(welcome(posthorn))
        else {
          for (const listener of posthorn.listeners) io.out(listenerLine(listener, options))
          io.out(pagesLine(posthorn, options))
          io.out('{"ready":true}\n')
        }
      })
    })
}

/** A configuration, and what it was made of. */
interface ServerSettings {
  readonly config: Config
  readonly layers: readonly Layer[]
}

async function loadServer(options: Options, profile?: ProfileName): Promise<ServerSettings> {
  const config = await loadConfig(options, profile)
  return { config, layers: await configLayers(options, profile) }
}

async function runUntilStopped(
  { config, layers }: ServerSettings,
  io: Io,
  onReady: (posthorn: Posthorn) => void,
): Promise<void> {
  const signals = stopSignals()
  const tidier = new MemoryTidier(giveMemoryBack)
  try {
    const posthorn = await start(config, { sinks: [await logSink(config, io), tidier], layers })
    onReady(posthorn)
    tidier.start()
    const signal = await signals.first
    posthorn.backend.events.emit(serverEvents.stopping, { reason: signal })
    await posthorn.stop()
  } finally {
    signals.release()
  }
}

async function start(config: Config, surroundings: Surroundings): Promise<Posthorn> {
  try {
    // Other commands, and their help, go without the server.
    const { startPosthorn } = await import('../main.ts')
    return await startPosthorn(config, surroundings)
  } catch (error) {
    throw openFailure(error)
  }
}

async function logSink(config: Config, io: Io): Promise<EventSink> {
  const { level, format } = config.log
  if (format === 'json') {
    const { jsonLog } = await import('../events/json-log.ts')
    return jsonLog({ level, now: () => Date.now() })
  }
  return textLog({ level, write: io.err, now: () => Date.now(), colour: io.interactive ? 'always' : 'never' })
}

/** The first signal asks for a stop; the second one ends the process at once, as the system would. */
function stopSignals(): { first: Promise<string>; release: () => void } {
  const { promise, resolve } = Promise.withResolvers<string>()
  const onSignal = (signal: NodeJS.Signals): void => {
    release()
    resolve(signal)
  }
  const release = (): void => {
    process.off('SIGTERM', onSignal)
    process.off('SIGINT', onSignal)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  return { first: promise, release }
}

function listenerLine(listener: OpenListener, options: Options): string {
  if (options.json) return `${JSON.stringify({ listening: listener })}\n`
  return `listening ${listener.service} ${hostPort(listener)} ${listener.tls}\n`
}

function pagesLine({ pages, setupLink }: Posthorn, options: Options): string {
  if (pages === null) return ''
  const setup = setupLink === null ? {} : { setup: setupLink }
  if (options.json) return `${JSON.stringify({ pages, ...setup })}\n`
  return `pages ${pages}/\n${setupLink === null ? '' : `setup ${setupLink}\n`}`
}

function hostPort({ address, port }: { address: string; port: number }): string {
  if (address.startsWith('unix:')) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function welcome({ listeners, pages }: Posthorn): string {
  const of = (service: string): OpenListener | undefined =>
    // What is pasted into a shell names a host and a port.
    listeners.find((listener) => listener.service === service && !listener.address.startsWith('unix:'))
  const [smtp, imap, pop3] = [of('catcher'), of('imap'), of('pop3')]
  const lines = ['Posthorn catches mail. Every recipient is accepted, and nothing leaves this machine.', '']
  for (const listener of listeners) {
    const name = listener.service === 'catcher' ? 'smtp' : listener.service
    lines.push(
      `  ${name.padEnd(6)}${hostPort(listener)}${listener.tls === 'starttls' ? '  (STARTTLS offered)' : ''}`,
    )
  }
  if (smtp !== undefined) {
    lines.push(
      ...['', 'Send something:'],
      `  swaks --server ${hostPort(smtp)} --to ann@example.org --from me@example.org`,
      `  printf 'Subject: Hello\\r\\n\\r\\nHello Ann\\r\\n' | curl -T - --url smtp://${hostPort(smtp)} --mail-from me@example.org --mail-rcpt ann@example.org`,
    )
  }
  if (pages !== null) lines.push('', 'See all of it:', `  ${pages}/`)
  lines.push('', 'Read it: log in as any recipient with any password and see that recipient’s mail')
  if (imap !== undefined) lines.push(`  IMAP  ${hostPort(imap)}`)
  if (pop3 !== undefined) {
    lines.push(`  POP3  ${hostPort(pop3)}`)
    const port = pop3.port === 1110 ? '' : ` --pop3 ${hostPort(pop3)}`
    lines.push(`or print it here:`, `  npx posthorn read ann@example.org${port}`)
  }
  return `${lines.join('\n')}\n\nready. Ctrl-C stops it.\n`
}
