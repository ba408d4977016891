// `posthorn/testing` out of the packed build: what a test suite waits for it. The package is built, packed and unpacked below a
// `node_modules` of its own, whose other packages are this repository's.
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { repeat, type Row } from '../report.ts'
import { runProgram } from '../server.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Each round is a process of its own; Node's compile cache is as a program without one has it. */
export async function measureLibrary(options: { times: number }): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-bench-library-'))
  try {
    const program = await unpack(folder)
    const figures = await repeat(options.times, async () => {
      // The program prints an object of numbers.
      const printed: unknown = JSON.parse(await runProgram(process.execPath, [program]))
      return printed as Record<string, number>
    })
    return [{ workload: 'posthorn/testing', server: 'posthorn', figures }]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The program beside an installed package. */
async function unpack(folder: string): Promise<string> {
  await runProgram(process.execPath, [join(root, 'scripts/build.ts')])
  await runProgram('npm', ['pack', '--prefix', root, '--pack-destination', folder, root])
  const place = join(folder, 'place')
  await mkdir(join(place, 'node_modules'), { recursive: true })
  await runProgram('sh', ['-c', `tar -xzf '${folder}'/posthorn-*.tgz -C '${place}/node_modules'`])
  const own = join(place, 'node_modules/posthorn')
  await runProgram('mv', [join(place, 'node_modules/package'), own])
  await symlink(join(root, 'node_modules'), join(own, 'node_modules'))
  const program = join(place, 'program.mjs')
  await cp(join(root, 'bench/load/library-program.js'), program)
  return program
}
