// What the engine knows of the `pg` package: how to load it, how values travel, and what an error of it means.
//
// - `pg` is an optional peer: it is loaded when a PostgreSQL store is opened, and its absence is said in a sentence.
// - bigint and numeric come as numbers: the store keeps no integer beyond 2^53 − 1.
// - PostgreSQL's text cannot hold U+0000, and a mailbox name or a header may. It is kept as U+E000 `0`, and U+E000 itself as
//   U+E000 U+E001, so that every string comes back as it went and prefixes stay prefixes.
import type { CustomTypesConfig } from 'pg'
import type { SqlValue } from '../op.ts'

/** The parts of `pg` that the engine uses. */
export type Driver = Pick<typeof import('pg'), 'Client' | 'Pool'>

export async function loadDriver(): Promise<Driver> {
  try {
    const { default: driver } = await import('pg')
    return driver
  } catch (error) {
    if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Error('a PostgreSQL store needs the package `pg`: run `npm install pg`', { cause: error })
  }
}

/** What becomes of an operation whose statement or connection failed. */
export type Verdict =
  /** Somebody else was first: run it again. */
  | 'conflict'
  /** The connection is gone, or never came. */
  | 'lost'
  /** The server is there and cannot serve. */
  | 'unavailable'
  /** The statement is wrong: a bug. */
  | 'wrong'

/**
 * PostgreSQL appendix A (SQLSTATE). A violated unique or foreign key is a conflict too: the operation looked first, so
 * somebody else wrote in between, and looking again gives the true refusal.
 */
export function verdictOf(error: unknown): Verdict {
  const code = codeOf(error)
  if (code === '40001' || code === '40P01' || code === '23505' || code === '23503' || code === '55P03') {
    return 'conflict'
  }
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) {
    // Connection exceptions; shutdowns and crashes, which take the connection along.
    if (
      code.startsWith('08') ||
      code === '57P01' ||
      code === '57P02' ||
      code === '57P03' ||
      code === '57P05'
    ) {
      return 'lost'
    }
    // Resources, operator intervention, system errors, a standby that only reads, idle in transaction too long.
    return /^(?:53|57|58|F0|XX)|^25006$|^25P03$/.test(code) ? 'unavailable' : 'wrong'
  }
  // Everything else that `pg` reports of a query comes from the connection: system errors and its own messages.
  return 'lost'
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

const escape = '\ue000'
const nul = `${escape}0`
const itself = `${escape}\ue001`

/** The string as PostgreSQL can hold it. */
export function toText(text: string): string {
  if (!text.includes('\0') && !text.includes(escape)) return text
  return text.replaceAll(escape, itself).replaceAll('\0', nul)
}

/** What `toText` was given. */
export function fromText(text: string): string {
  if (!text.includes(escape)) return text
  return text.replaceAll(/\ue000([0\ue001])/g, (_, kind) => (kind === '0' ? '\0' : escape))
}

/** Values as `pg` binds them. */
export function bound(values: readonly SqlValue[]): (string | number | Uint8Array | null)[] {
  return values.map((value) => (typeof value === 'string' ? toText(value) : value))
}

// Object identifiers of pg_type.
const oid = { bytea: 17, int8: 20, text: 25, varchar: 1043, int4: 23, numeric: 1700 } as const

type Parse = (value: string) => unknown

/** Parsers for the types that the schema and its sums have. */
export const types: CustomTypesConfig = {
  // `pg` reads every result as text: its binary format passes through a string and is not safe for bytes.
  getTypeParser(id: number): Parse {
    switch (id) {
      case oid.int8:
      case oid.int4:
      case oid.numeric:
        return Number
      case oid.text:
      case oid.varchar:
        return fromText
      case oid.bytea:
        return bytesOf
      default:
        return asIs
    }
  },
}

function asIs(value: unknown): unknown {
  return value
}

/** The hex format: `\x` and two digits an octet. */
function bytesOf(value: string): Uint8Array {
  return Buffer.from(value.slice(2), 'hex')
}
