// Reads what strace wrote of a process and its threads: which calls began and ended, in the order in which strace saw it. Since
// a traced thread goes on only after strace has written its line, what one thread did because of another comes after it.
//
// Refuses strings that strace has cut (`-s` too small) and calls that it does not know the shape of.
import { Buffer } from 'node:buffer'
import { spawnSync } from 'node:child_process'

const tracer = 'strace'

/** Every call that can change a file's content or name, or make it durable, and what a socket is sent. */
const calls = [
  ...['open', 'openat', 'creat', 'close', 'dup', 'dup2', 'dup3', 'fcntl'],
  ...['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'sendto', 'sendmsg'],
  ...['truncate', 'ftruncate', 'fallocate', 'copy_file_range', 'sendfile', 'splice'],
  ...['fsync', 'fdatasync', 'sync_file_range', 'sync', 'syncfs'],
  ...['rename', 'renameat', 'renameat2', 'link', 'linkat', 'symlink', 'symlinkat'],
  ...['unlink', 'unlinkat', 'rmdir', 'mkdir', 'mkdirat'],
]

/** The command that runs another one and writes its trace to `file`. */
export function straceCommand(file: string): string[] {
  // A call that this kernel or processor does not have is left out by the question mark.
  const traced = calls.map((name) => `?${name}`).join(',')
  const hexadecimal = ['-xx', '-s', String(64 * 1024 * 1024)]
  return [tracer, '-f', '-qqq', ...hexadecimal, '-e', 'signal=none', '-e', `trace=${traced}`, '-o', file]
}

/** Why there can be no trace here; undefined where there can. */
export function whyNoStrace(): string | undefined {
  const { error, status, stderr } = spawnSync(tracer, ['-f', '-qqq', '-o', '/dev/null', 'true'])
  if (error) return `strace cannot be run: ${error.message}`
  return status === 0 ? undefined : `strace cannot trace here: ${stderr.toString().trim()}`
}

export interface TraceEvent {
  readonly phase: 'start' | 'end'
  /** The thread's number; a thread is in one call at a time. */
  readonly thread: number
  readonly name: string
  /** The arguments as strace wrote them. */
  readonly text: string
  /** -1 for a call that failed, 0 at its start. */
  readonly result: number
}

/** The events of a trace, in order. */
export function* parseTrace(trace: string): Generator<TraceEvent> {
  const unfinished = new Map<number, string>()
  for (let at = 0; at < trace.length;) {
    const newline = trace.indexOf('\n', at)
    const end = newline < 0 ? trace.length : newline
    const line = trace.slice(at, end)
    at = end + 1
    const space = line.indexOf(' ')
    const thread = Number(line.slice(0, space))
    yield* parseLine(thread, { body: line.slice(space + 1).trimStart(), unfinished })
  }
}

const unfinishedMark = ' <unfinished ...>'

function* parseLine(
  thread: number,
  { body, unfinished }: { body: string; unfinished: Map<number, string> },
): Generator<TraceEvent> {
  // How a process or thread ended.
  if (body.startsWith('+++') || body.startsWith('---')) return
  if (body.startsWith('<... ')) {
    const rest = body.slice(body.indexOf(' resumed>') + ' resumed>'.length)
    const whole = (unfinished.get(thread) ?? '') + rest
    unfinished.delete(thread)
    const event = parseCall(thread, whole)
    if (event !== undefined) yield { ...event, phase: 'end' }
  } else if (body.endsWith(unfinishedMark)) {
    const begun = body.slice(0, -unfinishedMark.length)
    unfinished.set(thread, begun)
    const open = begun.indexOf('(')
    const [name, text] = [begun.slice(0, open), begun.slice(open + 1)]
    yield { phase: 'start', thread, name, text, result: 0 }
  } else {
    const event = parseCall(thread, body)
    if (event === undefined) return
    yield { ...event, phase: 'start', result: 0 }
    yield { ...event, phase: 'end' }
  }
}

/** Undefined for a call that the process did not come back from. */
function parseCall(thread: number, call: string): Omit<TraceEvent, 'phase'> | undefined {
  const open = call.indexOf('(')
  const equals = call.lastIndexOf(' = ')
  const close = call.lastIndexOf(')', equals)
  if (open < 0 || equals < 0 || close < open) throw new Error(`no line of a trace: ${call.slice(0, 100)}`)
  const value = call.slice(equals + 3)
  if (value.startsWith('?')) return undefined
  return {
    thread,
    name: call.slice(0, open),
    text: call.slice(open + 1, close),
    result: Number.parseInt(value),
  }
}

/** The strings among the arguments, decoded. */
export function stringsOf({ text }: TraceEvent): Buffer[] {
  // All octets are written as \xNN, so that a quote is never inside a string.
  const parts = text.split('"')
  if (parts.some((part, index) => index > 0 && index % 2 === 0 && part.startsWith('...')))
    throw new Error('strace has cut a string')
  return parts
    .filter((_, index) => index % 2 === 1)
    .map((part) => Buffer.from(part.replaceAll(String.raw`\x`, ''), 'hex'))
}

/** The first argument where that is a number: a descriptor. */
export function firstNumber({ text }: TraceEvent): number {
  return Number.parseInt(text)
}

/** The last argument where that is a number: an offset or a size. */
export function lastNumber({ text }: TraceEvent): number {
  return Number.parseInt(text.slice(text.lastIndexOf(',') + 1).trim())
}
