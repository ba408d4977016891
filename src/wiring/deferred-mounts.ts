// Mounts that are loaded when the first request for one of them comes: a page is there before the API that it will ask, and a program
// that nobody asks by JMAP never loads it.
import type { HttpMount } from '../base/http-mount.ts'
import { MountTable } from '../http/mount-table.ts'
import { makeProblem, problemResponse } from '../http/problem.ts'
import type { Account } from '../store/model.ts'

type Mount = HttpMount<Account>

export interface DeferredMounts {
  /** As of a mount; every path of the mounts must lie below one of them. */
  readonly paths: readonly `/${string}`[]
  /** Called for the first request, and again where it rejected. */
  readonly open: () => Promise<readonly Mount[]>
  /** Has what none of them has. */
  readonly otherwise: Mount
}

/** They appear as one. */
export function deferMounts({ paths, open, otherwise }: DeferredMounts): Mount {
  let opening: Promise<MountTable<Account>> | null = null
  const table = (): Promise<MountTable<Account>> => {
    opening ??= open().then(
      (mounts) => {
        refuseOthers(mounts, paths)
        return new MountTable(mounts)
      },
      (error: unknown) => {
        opening = null
        throw error
      },
    )
    return opening
  }
  const find = async (method: string, request: Request): Promise<Mount> =>
    (await table()).find(method, new URL(request.url).pathname) ?? otherwise
  return {
    paths,
    fetch: async (request, env) => (await find(request.method, request)).fetch(request, env),
    async upgrade(request, env) {
      const mount = await find('GET', request)
      const nothing = makeProblem(404, 'not-found', 'There is nothing here.')
      return (await mount.upgrade?.(request, env)) ?? problemResponse(nothing)
    },
  }
}

/** A path that no request would be led by is a mistake of whoever deferred it. */
function refuseOthers(mounts: readonly Mount[], paths: readonly string[]): void {
  for (const path of mounts.flatMap((mount) => mount.paths)) {
    const bare = path.slice(path.indexOf('/'))
    const led = paths.some((one) => (one.endsWith('/*') ? bare.startsWith(one.slice(0, -1)) : bare === one))
    if (!led) throw new Error(`the mount of ${path} is deferred without its path`)
  }
}
