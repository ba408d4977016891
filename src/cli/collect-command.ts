// `posthorn collect`: visits the providers that keep mail for this server, now instead of at their time (docs/collect.md).
import type { Command } from 'commander'
import type { Collected } from '../wiring/collect.ts'
import { admin } from './admin-command.ts'
import { administer } from './admin-client.ts'
import type { ConfigOptions } from './configuration.ts'
import { CommandError, exitCode, type Io, print } from './io.ts'

interface Options extends ConfigOptions {
  readonly json?: boolean
}

/** Adds `collect`. */
export function addCollectCommand(program: Command, io: Io): void {
  admin(
    program,
    'collect [name]',
    'Fetch the mail that a provider keeps for this server, now rather than at its time: all providers of `collect` in the configuration (by ATRN, TURN or ETRN), or the one of that name. The server of this data folder does it, so it must be running.',
  ).action(async (name: string | undefined, options: Options) => {
    const visits = await administer<Collected[]>(options, {
      operation: 'collect.now',
      parameters: name === undefined ? {} : { name },
      needs: 'server',
    })
    print(io, options, visits, () => visits.map(shown).join(''))
    const failed = visits.filter(({ type }) => type === 'failed')
    if (failed.length > 0) {
      throw new CommandError(
        exitCode.refused,
        `Nothing could be collected from ${failed.map((one) => one.name).join(', ')}.`,
      )
    }
  })
}

function shown(visit: Collected): string {
  switch (visit.type) {
    case 'collected':
      return `${visit.name}: ${visit.messages} message${visit.messages === 1 ? '' : 's'} collected\n`
    case 'no-mail':
      return `${visit.name}: no mail\n`
    case 'asked':
      return visit.replies.map(({ domain, reply }) => `${visit.name}: ${domain}: ${reply}\n`).join('')
    case 'failed':
      return `${visit.name}: failed at ${visit.stage}\n  ${visit.reply.replaceAll('\n', '\n  ')}\n`
  }
}
