// A server under measurement: how it is started, where it listens, what it uses. Every rival and Posthorn itself look the
// same from here, so that each workload is written once.
import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'

/** Ports on 127.0.0.1; null where the server does not speak it. */
export interface Ports {
  readonly smtp: number | null
  readonly imap: number | null
  readonly pop3: number | null
}

/** What Node is started with for a program of ours: its own first line says it. */
export function nodeFlags(program: string): string[] {
  const [first = ''] = readFileSync(program, 'utf8').split('\n', 1)
  return first.split(' ').filter((word) => word.startsWith('--'))
}

/** A running server. */
export interface RunningServer extends AsyncDisposable {
  readonly name: string
  readonly ports: Ports
  /** The processes that belong to it, children included. */
  pids(): number[]
  /** True when nothing accepted waits for delivery any more. */
  settled(): Promise<boolean>
  /** True when nothing is being tried: all that is queued waits for another time. */
  parked?(): Promise<boolean>
  /** Tries everything in the queue now; where it relays. */
  flush?(): Promise<void>
}

/** CPU seconds (user and system) and resident octets of a group of processes. */
export interface Usage {
  readonly cpuSeconds: number
  readonly residentBytes: number
}

const ticksPerSecond = 100
const pageBytes = 4096

/** What these processes and their finished children have used. */
export function usageOf(pids: readonly number[]): Usage {
  let ticks = 0
  let pages = 0
  for (const pid of pids) {
    const fields = statFields(pid)
    // proc(5): utime, stime, cutime, cstime are fields 14 to 17, counted from 1; rss is 24.
    for (const index of [11, 12, 13, 14]) ticks += Number(fields[index] ?? 0)
    pages += Number(fields[21] ?? 0)
  }
  return { cpuSeconds: ticks / ticksPerSecond, residentBytes: pages * pageBytes }
}

/** Resident octets of these processes, what they share with others divided among all that share it (proc(5): Pss). */
export function proportionalBytes(pids: readonly number[]): number {
  let kibibytes = 0
  for (const pid of pids) {
    try {
      const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
      kibibytes += Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0)
    } catch {
      // It has just ended.
    }
  }
  return kibibytes * 1024
}

/** The process and all its descendants. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    if (!Number.isInteger(pid)) continue
    const parent = Number(statFields(pid)[1] ?? 0)
    children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const tree: number[] = []
  const queue = [root]
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    tree.push(pid)
    queue.push(...(children.get(pid) ?? []))
  }
  return tree
}

/** Fields of /proc/PID/stat after the command name: state first, then the parent. */
function statFields(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}

/** Runs a program to its end and gives its standard output; rejects with its complaint. */
export function runProgram(program: string, parameters: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.on('error', reject)
    // A program that reads no input may be gone before it is written.
    child.stdin.on('error', () => {})
    child.on('close', (code) => {
      if (code === 0) resolve(out)
      else reject(new Error(`${program} ${parameters.join(' ')} ended with ${code}: ${err || out}`))
    })
    child.stdin.end(input)
  })
}

/** Seconds until something on that port of loopback says its first bytes. */
export async function untilBanner(port: number, deadlineSeconds = 20): Promise<number> {
  const start = performance.now()
  for (;;) {
    if (await banner(port)) return (performance.now() - start) / 1000
    if (performance.now() - start > deadlineSeconds * 1000) throw new Error(`nothing answers on port ${port}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

function banner(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const done = (seen: boolean): void => {
      socket.destroy()
      resolve(seen)
    }
    socket.on('data', () => done(true))
    socket.on('error', () => done(false))
    socket.on('end', () => done(false))
  })
}

/** Resolves when a child has ended. */
export function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('exit', () => resolve())
  })
}
