// `posthorn index`: brings the full-text index up to the mail, in a running server or on the data folder, and shows what there is.
import type { Command } from 'commander'
import type { ShownIndex } from '../control/server/search-operations.ts'
import { administer } from './admin-client.ts'
import { admin } from './admin-command.ts'
import type { ConfigOptions } from './configuration.ts'
import { humanSize, type Io, print, progressBar, table } from './io.ts'

interface Options extends ConfigOptions {
  readonly json?: boolean
  readonly rebuild?: boolean
  readonly show?: boolean
}

/** Adds `index`. */
export function addIndexCommand(program: Command, io: Io): void {
  admin(
    program,
    'index [address]',
    'Index the mail of an account, or of all, that waits for full-text search.',
  )
    .option('--rebuild', 'forget the index first and make it anew')
    .option('--show', 'index nothing, only show what there is')
    .action(async (address: string | undefined, options: Options) => {
      const of = address === undefined ? {} : { address }
      const indexes =
        options.show === true
          ? await administer<ShownIndex[]>(options, { operation: 'search.list', parameters: of })
          : await administer<ShownIndex[]>(options, {
              operation: 'search.index',
              parameters: { ...of, rebuild: options.rebuild === true },
              onProgress: progressBar(io, 'indexing'),
            })
      print(io, options, indexes, () => indexTable(indexes))
    })
}

function indexTable(indexes: readonly ShownIndex[]): string {
  return table(
    ['address', 'messages', 'indexed', 'waiting', 'pieces', 'size'],
    indexes.map((one) => [
      one.display,
      ...[one.messages, one.emails, one.waiting, one.segments].map(String),
      humanSize(one.bytes),
    ]),
    'No accounts.',
  )
}
