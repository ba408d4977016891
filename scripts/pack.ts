// Proves that the package works where users have it: builds, packs, installs the archive into an empty folder and runs it
// from there: through the link that npm makes, as a library, and by the examples with the test runners that they are for, whose types
// are checked by the compiler's own resolution. `.ci/run` does this; it needs the registry.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

/** What the examples need beside Posthorn, in the versions that this repository is developed with where it has them. */
function examplePackages(): string[] {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as Record<'dependencies' | 'devDependencies', Record<string, string>>
  const known = { ...dependencies, ...devDependencies }
  const names = ['nodemailer', 'vitest', 'typescript', '@types/node']
  const oldest = 'typescript-5@npm:typescript@5'
  return ['jest@30', '@jest/globals@30', oldest, ...names.map((name) => `${name}@${known[name]}`)]
}

/** Our own declarations too (no skipLibCheck), by the previous compiler and each way it has to find a package. */
function checkTypes(where: string): void {
  const compiler = join(where, 'node_modules/typescript-5/bin/tsc')
  const shared = ['--noEmit', '--strict', '--target', 'es2022', '--types', 'node,posthorn/testing/vitest']
  for (const [module, resolution] of [
    ['nodenext', 'nodenext'],
    ['node16', 'node16'],
    ['esnext', 'bundler'],
    ['esnext', 'node10'],
  ] as const) {
    const how = ['--module', module, '--moduleResolution', resolution, '--allowImportingTsExtensions']
    // Others' declarations are not ours to check where a program cannot even find them, as with node10.
    const whole = resolution === 'node10' ? ['--skipLibCheck', '--esModuleInterop'] : []
    run(where, process.execPath, compiler, ...shared, ...how, ...whole, 'examples/node-test/sign-up.test.ts')
  }
}

function runExamples(where: string): void {
  cpSync(join(root, 'examples'), join(where, 'examples'), { recursive: true })
  run(where, 'npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', ...examplePackages())
  const program = (name: string): string => join(where, 'node_modules/.bin', name)
  run(where, program('tsc'), '-p', 'examples/tsconfig.json')
  checkTypes(where)
  run(where, process.execPath, '--test', 'examples/node-test/sign-up.test.ts')
  run(where, process.execPath, 'examples/smtp-server/echo.ts')
  run(join(where, 'examples/vitest'), process.execPath, program('vitest'), 'run')
  run(join(where, 'examples/jest'), process.execPath, '--experimental-vm-modules', program('jest'))
  process.stdout.write(
    'ok      examples: types, node:test, Vitest, Jest (ES modules and CommonJS), smtp-server\n',
  )
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
  const doors = ['posthorn', 'posthorn/smtp', 'posthorn/testing']
  for (const door of doors) run(folder, process.execPath, '--eval', `require('${door}')`)
  process.stdout.write(`ok      require: ${doors.join(', ')}\n`)
  runExamples(folder)
  run(root, join(root, 'node_modules/.bin/publint'), '--strict')
  process.stdout.write('ok      publint\n')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
