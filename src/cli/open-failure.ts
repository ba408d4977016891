// What to do next, for the errors that operators meet when a store or a listener is opened: a folder or port in use, files that
// cannot be read, a database of another version. Anything else is a surprise and stays as it is, with its stack.
import { ConfigError } from '../config/layers.ts'
import { CommandError, exitCode } from './io.ts'

/** The `CommandError` for an error of `openBackend` or `startPosthorn`, or the error itself where it is a defect. */
export function openFailure(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if (error instanceof ConfigError) return new CommandError(exitCode.config, error.message)
  const advice = ofStore(error) ?? ofDatabase(error) ?? ofSystem(error)
  return advice === undefined ? error : new CommandError(exitCode.unavailable, advice)
}

/** By name: the engines are known to nobody but the composition root. */
function ofStore(error: Error): string | undefined {
  switch (error.name) {
    case 'FolderInUse':
      return `${error.message}. Stop that one first, or give another folder by --data.`
    // A message that was not taken now.
    case 'DeferredOperation':
      return error.message
    case 'UnsuitableDatabase':
      return `${error.message}. Nothing was changed.`
    case 'StoreUnavailable': {
      const { cause } = error
      return cause instanceof Error && cause.message !== ''
        ? `${error.message}: ${cause.message}`
        : error.message
    }
    default:
      return undefined
  }
}

/** SQLite's primary result codes (sqlite.org/rescode.html). */
const damaged = new Set([11, 26])

function ofDatabase(error: Error): string | undefined {
  if (!('errcode' in error) || typeof error.errcode !== 'number') return undefined
  return damaged.has(error.errcode & 0xff)
    ? `The database in the data folder is damaged (${error.message}). Restore the folder from a backup.`
    : undefined
}

const systemAdvice: Record<string, string> = {
  EADDRINUSE: 'Is another server running there? Choose another port.',
  EADDRNOTAVAIL: 'This machine has no such address. Correct `address` in `listeners`.',
  ENOTFOUND: 'There is no such name. Correct `address` in `listeners`.',
  EACCES:
    'Ports below 1024 need the right to bind them (CAP_NET_BIND_SERVICE), and the data folder must be yours.',
  EPERM: 'The system does not allow it to this user.',
  ENOTDIR: 'A folder is wanted there. Give another one by --data.',
  EEXIST: 'A folder is wanted there. Give another one by --data.',
  EROFS: 'The file system is read-only. Give another folder by --data.',
  ENOSPC: 'The disk is full. Make room, then start again.',
}

function ofSystem(error: Error): string | undefined {
  const advice = 'code' in error ? systemAdvice[String(error.code)] : undefined
  return advice === undefined ? undefined : `${error.message}. ${advice}`
}
