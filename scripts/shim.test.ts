import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, test } from 'node:test'
import { root } from './sources.ts'

const commandLine = `
export async function main(argv: string[]): Promise<number> {
  if (argv[0] === 'wait') {
    const stopped = new Promise((resolve) => process.on('SIGTERM', resolve))
    setInterval(() => {}, 1000)
    console.log('ready')
    await stopped
    process.exit(7)
  }
  console.log(process.versions.node.split('.')[0], argv.join(' '), Object.keys(process.env).filter((k) => k.startsWith('POSTHORN')).join())
  return 3
}`

/** The shim with a command line of its own behind it. */
function makeProgram(): string {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-shim-'))
  cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  mkdirSync(join(folder, 'src/cli'), { recursive: true })
  writeFileSync(join(folder, 'src/cli/main.ts'), commandLine)
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A Node older than 26 on this machine, if there is one. */
function findOlderNode(): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'node'))
    .filter((file) => existsSync(file))
    .find((file) => {
      const { stdout } = spawnSync(file, ['-p', 'process.versions.node'], { encoding: 'utf8' })
      return Number.parseInt(stdout, 10) < 26
    })
}

const older = findOlderNode()
const skip = older === undefined ? 'no older Node on this machine' : false

test('the shim hands over arguments and passes back the exit code', () => {
  const { status, stdout } = spawnSync(process.execPath, ['bin/posthorn.js', 'a', 'b c'], {
    cwd: makeProgram(),
    encoding: 'utf8',
  })
  assert.deepEqual([status, stdout], [3, '26 a b c \n'])
})

test('an older Node runs it with the one that npm brought', { skip }, () => {
  const { status, stdout } = spawnSync(older ?? '', ['bin/posthorn.js', 'a', 'b c'], {
    cwd: makeProgram(),
    encoding: 'utf8',
  })
  assert.deepEqual([status, stdout], [3, '26 a b c \n'])
})

test('an older Node without that one says what to do', { skip }, () => {
  const folder = makeProgram()
  rmSync(join(folder, 'node_modules'))
  const { status, stderr } = spawnSync(older ?? '', ['bin/posthorn.js', 'serve'], {
    cwd: folder,
    encoding: 'utf8',
  })
  assert.equal(status, 69)
  assert.match(stderr, /Posthorn needs Node 26\.\n[^]*npx -p node@26 -p posthorn posthorn serve/)
})

test('a signal to the older Node reaches the program, and its exit code comes back', { skip }, async () => {
  const child = spawn(older ?? '', ['bin/posthorn.js', 'wait'], {
    cwd: makeProgram(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'exit'), [7, null])
})

test('the program dies with the older Node, even when that is killed', { skip }, async () => {
  const child = spawn(older ?? '', ['bin/posthorn.js', 'wait'], {
    cwd: makeProgram(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  // The pipe closes when the last process that holds it is gone.
  await once(child.stdout, 'close')
})

test(
  'scripts of the repository run with the Node that npm brought, with and without a link to it',
  { skip },
  () => {
    const folder = makeProgram()
    cpSync(join(root, 'scripts/node.js'), join(folder, 'scripts/node.js'))
    const told =
      'console.log(process.versions.node.split(".")[0], process.argv.slice(2).join(), process.env.POSTHORN_LIFELINE)'
    writeFileSync(join(folder, 'told.ts'), `const text: string = 'typed'\n${told}`)
    const nested = `import { spawnSync } from 'node:child_process'\nspawnSync('node', ['told.ts', 'c'], { stdio: 'inherit' })\nprocess.exit(5)`
    writeFileSync(join(folder, 'nested.ts'), nested)
    const run = (node: string, ...words: string[]) => {
      const { status, stdout } = spawnSync(node, ['scripts/node.js', ...words], {
        cwd: folder,
        encoding: 'utf8',
      })
      return [status, stdout]
    }
    assert.deepEqual(run(older ?? '', 'told.ts', 'a', 'b'), [0, '26 a,b undefined\n'])
    assert.deepEqual(run(older ?? '', 'nested.ts'), [5, '26 c undefined\n'])
    assert.deepEqual(run(process.execPath, 'told.ts', 'a'), [0, '26 a undefined\n'])
  },
)
