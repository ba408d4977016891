import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { Disk, type DiskImage, type DiskOptions } from './disk.ts'
import { parseTrace } from './trace.ts'

/** As strace writes a string. */
function quoted(text: string): string {
  return `"${[...Buffer.from(text)].map((octet) => String.raw`\x${octet.toString(16).padStart(2, '0')}`).join('')}"`
}

/** Plays lines of a trace and gives what a power cut leaves, as text. */
function leftBy(lines: readonly string[], options: Partial<DiskOptions> = {}): Record<string, string | null> {
  return asText(played(lines, options).image())
}

function played(lines: readonly string[], options: Partial<DiskOptions> = {}): Disk {
  const disk = new Disk({ root: '/r', ...options })
  for (const event of parseTrace(lines.join('\n'))) disk.apply(event)
  return disk
}

function asText(image: DiskImage): Record<string, string | null> {
  return Object.fromEntries([...image].map(([path, bytes]) => [path, bytes && Buffer.from(bytes).toString()]))
}

const make = (path: string): string =>
  `1 openat(AT_FDCWD, ${quoted(path)}, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0600) = 5`
const hello = `1 write(5, ${quoted('hello')}, 5) = 5`
const sync = '1 fdatasync(5) = 0'
const close = '1 close(5) = 0'
const syncFolder = (path: string): string[] => [
  `1 openat(AT_FDCWD, ${quoted(path)}, O_RDONLY|O_CLOEXEC) = 9`,
  ...['1 fsync(9) = 0', '1 close(9) = 0'],
]

test('a file that was synced in a folder that was synced is there', () => {
  const left = leftBy([make('/r/one'), hello, sync, close, ...syncFolder('/r')])
  assert.deepEqual(left, { one: 'hello' })
})

test('a missing sync of the content leaves an empty file', () => {
  assert.deepEqual(leftBy([make('/r/one'), hello, close, ...syncFolder('/r')]), { one: '' })
  const lines = [make('/r/one'), hello, sync, close, ...syncFolder('/r')]
  assert.deepEqual(leftBy(lines, { ignoreSyncOf: (path) => path === '/r/one' }), { one: '' })
})

test('a missing sync of the folder leaves no file, and one of its parent no folder', () => {
  assert.deepEqual(leftBy([make('/r/one'), hello, sync]), {})
  const inside = [
    `1 mkdir(${quoted('/r/ab')}, 0700) = 0`,
    make('/r/ab/one'),
    hello,
    sync,
    ...syncFolder('/r/ab'),
  ]
  assert.deepEqual(leftBy(inside), {})
  assert.deepEqual(leftBy([...inside, ...syncFolder('/r')]), { ab: null, 'ab/one': 'hello' })
})

test('a sync covers what was written when it began, and only once it has ended', () => {
  const begun = [make('/r/one'), ...syncFolder('/r'), hello, '2 fdatasync(5 <unfinished ...>']
  assert.deepEqual(leftBy(begun), { one: '' })
  const late = `1 write(5, ${quoted(' world')}, 6) = 6`
  assert.deepEqual(leftBy([...begun, late, '2 <... fdatasync resumed>) = 0']), { one: 'hello' })
  assert.deepEqual(leftBy([...begun, late, '2 <... fdatasync resumed>) = -1 EIO (Input/output error)']), {
    one: '',
  })
})

test('writes at a place, truncation, removal and renaming are followed', () => {
  const start = [make('/r/one'), hello, `1 pwrite64(5, ${quoted('J')}, 1, 0) = 1`]
  assert.deepEqual(leftBy([...start, sync, ...syncFolder('/r')]), { one: 'Jello' })
  assert.deepEqual(leftBy([...start, '1 ftruncate(5, 2) = 0', sync, ...syncFolder('/r')]), { one: 'Je' })
  const rename = `1 rename(${quoted('/r/one')}, ${quoted('/r/two')}) = 0`
  const there = [...start, sync, ...syncFolder('/r')]
  assert.deepEqual(leftBy([...there, rename]), { one: 'Jello' })
  assert.deepEqual(leftBy([...there, rename, ...syncFolder('/r')]), { two: 'Jello' })
  const unlink = `1 unlink(${quoted('/r/one')}) = 0`
  assert.deepEqual(leftBy([...there, unlink]), { one: 'Jello' })
  assert.deepEqual(leftBy([...there, unlink, ...syncFolder('/r')]), {})
})

test('what was not synced may be there in part, as chance will have it', () => {
  const disk = played([make('/r/one'), hello, ...syncFolder('/r'), `1 write(5, ${quoted(' world')}, 6) = 6`])
  const random = new SeededRandom(1)
  const seen = new Set(Array.from({ length: 100 }, () => asText(disk.image(random))['one']))
  assert.deepEqual(seen, new Set(['', '\0\0\0\0\0 world', 'hello', 'hello world']))
})

test('a string that strace has cut is refused', () => {
  assert.throws(() => leftBy([make('/r/one'), `1 write(5, ${quoted('hel')}..., 5) = 5`]), /cut a string/)
})
