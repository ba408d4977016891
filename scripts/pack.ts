// Proves that the package works where users have it: builds, packs, installs the archive into an empty folder and runs it
// from there, once through the link that npm makes and once as a library. `.ci/run` does this; it needs the registry.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './sources.ts'

/** Runs a program to its end and returns what it printed. */
function run(folder: string, program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    timeout: 300_000,
  })
  if (status === 0) return stdout
  throw new Error(`${program} ${args.join(' ')} ended with ${status}\n${stdout}${stderr}`)
}

const folder = mkdtempSync(join(tmpdir(), 'posthorn-pack-'))
try {
  run(root, process.execPath, 'scripts/build.ts')
  const packed = JSON.parse(run(root, 'npm', 'pack', '--json', '--pack-destination', folder)) as
    | { filename: string; size: number; entryCount: number }[]
    | Record<string, { filename: string; size: number; entryCount: number }>
  const [archive] = Object.values(packed)
  if (archive === undefined) throw new Error('npm pack made nothing')
  process.stdout.write(`${archive.filename}: ${archive.entryCount} files, ${archive.size} octets\n`)

  writeFileSync(
    join(folder, 'package.json'),
    '{ "name": "somewhere-else", "private": true, "type": "module" }\n',
  )
  run(folder, 'npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', `./${archive.filename}`)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const said = run(folder, join(folder, 'node_modules/.bin/posthorn'), '--version').trim()
  if (!said.includes(version)) throw new Error(`posthorn --version said “${said}”, not ${version}`)
  const names = run(
    folder,
    process.execPath,
    '-e',
    "console.log(Object.keys(await import('posthorn')).join(' '))",
  ).trim()
  if (names === '') throw new Error('the library exports nothing')
  process.stdout.write(`ok      installed elsewhere: ${said}; library: ${names}\n`)
  run(root, join(root, 'node_modules/.bin/publint'), '--strict')
  process.stdout.write('ok      publint\n')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
