// `node scripts/node.js FILE …`: a TypeScript file of this repository, run by Node 26, whatever Node is asked. Plain JavaScript that any Node since
// 16 can parse. Programs that it starts find that Node first, too.
//
// npm 11 puts the Node that it installed before the system's by itself; the npm of Node 20 does not (docs/decisions/001-own-runtime.md).
import { delimiter, dirname } from 'node:path'
import { findBundledNode, runWith } from '../bin/bundled-node.js'

const neededMajor = 26
const isSuitable = Number.parseInt(process.versions.node, 10) >= neededMajor
const node = isSuitable ? process.execPath : findBundledNode()
if (node === undefined) {
  process.stderr.write(
    `This is Node ${process.versions.node}, and Posthorn needs Node ${neededMajor}: npm ci brings it, unless optional dependencies are left out.\n`,
  )
  process.exitCode = 69
} else {
  const path = `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`
  const env = { ...process.env, PATH: path }
  runWith(node, [...process.execArgv, ...process.argv.slice(2)], { env, lifeline: false })
}
