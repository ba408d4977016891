#!/usr/bin/env -S node --max-semi-space-size=8 --heap-growing-percent=60 --expose-gc
// The `posthorn` command before Node 26 is certain: plain JavaScript that any Node since 16 can parse. The first line bounds
// what V8 keeps beyond what is alive (docs/decisions/013-bounded-heap.md); the size must be said before the first object is made.
//
// On Node 26 it switches on the compile cache and hands over to the command line: `src/` in the repository and in
// the image, `dist/` in the package from npm (Node strips no types below node_modules).
// On an older Node it looks for the Node 26 that npm installed beside Posthorn and runs itself with that one; where
// there is none, it says how to get one. It does nothing else: start-up time is counted from here.
import { existsSync } from 'node:fs'
import nodeModule from 'node:module'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const neededMajor = 26
const self = fileURLToPath(import.meta.url)

/** What a link by one of these names stands for. */
const linkedNames = { sendmail: ['sendmail'], mailq: ['sendmail', '-bp'], newaliases: ['sendmail', '-bi'] }
const linked = Object.hasOwn(linkedNames, basename(process.argv[1] ?? ''))
  ? linkedNames[basename(process.argv[1])]
  : []
const commandLine = [...linked, ...process.argv.slice(2)]

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
  const { findBundledNode, runWith } = await import('./bundled-node.js')
  const node = process.env.POSTHORN_RELAUNCHED === undefined ? findBundledNode() : undefined
  if (node !== undefined) {
    const env = { ...process.env, POSTHORN_RELAUNCHED: '1' }
    runWith(node, [...process.execArgv, self, ...commandLine], { env, lifeline: true })
  } else {
    process.stderr.write(
      `posthorn: this is Node ${process.versions.node}, and Posthorn needs Node ${neededMajor}.\n` +
        `Install Node ${neededMajor} from https://nodejs.org, or let npm bring it for one run:\n` +
        `  npx -p node@${neededMajor} -p posthorn posthorn ${commandLine.join(' ')}\n`,
    )
    process.exitCode = 69
  }
}
