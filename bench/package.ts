// The package as users have it: built, packed and unpacked below a `node_modules` of its own. The packages that it needs are this
// repository's.
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runProgram } from './server.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Unpacks it in that folder, which has none yet; gives the package's own. */
export async function unpackPackage(folder: string): Promise<string> {
  await runProgram(process.execPath, [join(root, 'scripts/build.ts')])
  await runProgram('npm', ['pack', '--prefix', root, '--pack-destination', folder, root])
  const modules = join(folder, 'node_modules')
  await mkdir(modules)
  await runProgram('sh', ['-c', `tar -xzf '${folder}'/posthorn-*.tgz -C '${modules}'`])
  const own = join(modules, 'posthorn')
  await runProgram('mv', [join(modules, 'package'), own])
  await symlink(join(root, 'node_modules'), join(own, 'node_modules'))
  return own
}
