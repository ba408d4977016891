// A folder and what is missing above it. Node's own way (`recursive`) tries for ever where a folder is there that can hold none, as /proc does.
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** For nobody else. Gives the first folder that was missing, undefined where none was. Rejects with the system's error. */
export async function makeFolder(path: string): Promise<string | undefined> {
  try {
    return (await makeOne(path)) ? path : undefined
  } catch (error) {
    const above = dirname(path)
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!isMissing || above === path) throw error
    const first = await makeFolder(above)
    return (await makeOne(path)) ? (first ?? path) : first
  }
}

/** False where it is there, whatever the system says of making it again (a root: EISDIR, EPERM). */
async function makeOne(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 })
    return true
  } catch (error) {
    const found = await stat(path).catch(() => undefined)
    if (found?.isDirectory() === true) return false
    throw error
  }
}
