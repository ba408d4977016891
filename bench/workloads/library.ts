// `posthorn/testing` out of the packed build: what a test suite waits for it.
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unpackPackage } from '../package.ts'
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
  await unpackPackage(folder)
  const program = join(folder, 'program.mjs')
  await cp(join(root, 'bench/load/library-program.js'), program)
  return program
}
