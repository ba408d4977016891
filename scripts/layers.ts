// The import rule as a table. Imports point from a higher row to a lower one, never the other way and never
// sideways within a row; `scripts/imports.ts` obeys this table and nothing else.

/** A folder of `src/` (or one file in it) that counts as a whole for the import rule. */
export interface Unit {
  /** Path below `src/`. */
  readonly name: string
  readonly row: number
  /** npm packages that it may import. */
  readonly packages: readonly string[]
}

const unit = (row: number, name: string, ...packages: string[]): Unit => ({ name, row, packages })

export const units: readonly Unit[] = [
  unit(1, 'base'),
  unit(2, 'mail', 'tr46', 'iconv-lite'),
  unit(2, 'sasl', 'spark-md5'),
  unit(3, 'auth', 'mailauth', 'tldts', 'jose'),
  unit(3, 'sieve'),
  unit(3, 'smtp/proto'),
  unit(3, 'imap/proto'),
  unit(3, 'pop3/proto'),
  unit(3, 'jmap/proto'),
  unit(3, 'managesieve/proto'),
  unit(3, 'milter/proto'),
  unit(3, 'control/proto'),
  unit(4, 'events', 'pino', 'prom-client'),
  unit(4, 'config', 'zod', 'smol-toml'),
  unit(5, 'net', 'dns-packet', '@peculiar/x509', 'reflect-metadata'),
  unit(5, 'store', 'pg'),
  unit(6, 'directory', 'jose', 'otpauth', '@simplewebauthn/server'),
  unit(6, 'queue'),
  unit(6, 'hooks'),
  unit(6, 'search', 'snowball-stemmers'),
  unit(6, 'smtp/client'),
  unit(6, 'imap/client'),
  unit(6, 'control/client'),
  unit(7, 'delivery'),
  unit(7, 'transfer', 'yauzl', 'yazl'),
  unit(7, 'catcher', 'htmlparser2', 'hono', 'zod', '@silvia-odwyer/photon-node'),
  unit(8, 'smtp/server'),
  unit(8, 'imap/server'),
  unit(8, 'pop3/server'),
  unit(8, 'jmap/server', 'web-push'),
  unit(8, 'managesieve/server'),
  unit(8, 'control/server', 'zod'),
  unit(8, 'http', 'hono', '@hono/node-server', 'zod', 'nodemailer', 'ws'),
  unit(9, 'wiring'),
  unit(10, 'main.ts'),
  unit(11, 'index.ts'),
  unit(11, 'library', 'nodemailer'),
  unit(11, 'testing', 'htmlparser2', 'vitest', 'expect'),
  unit(11, 'cli', 'commander', 'nodemailer'),
]

/** Rows up to this one touch nothing outside: no sockets, files, timers, clock, chance or environment. */
export const lastPureRow = 3

/** The only modules of Node that a pure row may import. */
export const pureNodeModules: readonly string[] = ['node:buffer', 'node:crypto']

/** Folders that only these units (and tests) may import: the engines are seen through `store/store.ts`. */
export const hiddenFolders: Readonly<Record<string, readonly string[]>> = {
  'store/sqlite': ['wiring'],
  'store/postgres': ['wiring'],
}

/** First folders whose members know nothing of each other. */
export const protocols: readonly string[] = ['smtp', 'imap', 'pop3', 'jmap', 'managesieve', 'control']

/**
 * The files outside the pure rows that may read the ambient clock, chance, timers or the process: those that
 * make them arguments for everyone else, and those that are a process or thread of their own.
 */
export const ambientFiles: readonly RegExp[] = [
  /^src\/net\/real-clock\.ts$/,
  /^src\/base\/real-random\.ts$/,
  /^src\/wiring\//,
  /^src\/cli\//,
  /-worker\.ts$/,
]

/** Names that no file may have, whatever its folder. */
export const bannedNames: readonly string[] = [
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'misc',
  'shared',
  'lib',
]
