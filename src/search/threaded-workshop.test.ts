import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { VirtualClock } from '../base/virtual-clock.ts'
import { encodeStructure } from '../mail/mime/codec.ts'
import { MimeWalker } from '../mail/mime/walker.ts'
import type { BuildJob, EmailToRead, WorkHost } from './index-work.ts'
import { ThreadedWorkshop } from './threaded-workshop.ts'

const job: BuildJob = { job: 'build', limits: { header: 1e6, text: 1e6 }, emails: 10, characters: 1e6 }

function email(id: number, text: string): EmailToRead {
  const bytes = Buffer.from(text)
  const walker = new MimeWalker()
  walker.push(bytes)
  return { email: id, blob: id, prefix: '', structure: encodeStructure(walker.finish()), bytes }
}

/** Gives these emails, then none. */
function hostOf(emails: readonly EmailToRead[], more: Partial<WorkHost> = {}): WorkHost {
  let left = emails
  return {
    nextEmails: async () => {
      const given = left
      left = []
      return given
    },
    readBlob: async () => null,
    readRow: async () => assert.fail('no row'),
    writeRows: async () => {},
    ...more,
  }
}

describe('ThreadedWorkshop', () => {
  it('does job after job, and ends its thread when there is none for a while', async () => {
    const clock = new VirtualClock()
    const workshop = new ThreadedWorkshop({ clock, idle: 1_000 })
    for (const first of [1, 8]) {
      const result = await workshop.run(
        job,
        hostOf([email(first, 'Subject: x\r\n\r\none'), email(first + 1, 'x')]),
      )
      assert.deepEqual([result.emails, result.first, result.last], [2, first, first + 1])
      assert.ok(result.size > 0)
    }
    await clock.advance('2s')
    assert.equal((await workshop.run(job, hostOf([]))).emails, 0)
    await workshop.close()
  })

  it('fails with what failed on this side, and works on', async () => {
    const workshop = new ThreadedWorkshop({ clock: new VirtualClock(), idle: 1_000 })
    const failure = new TypeError('the store is away')
    const host = hostOf([email(1, 'x')], { writeRows: () => Promise.reject(failure) })
    await assert.rejects(workshop.run(job, host), (error) => error === failure)
    assert.equal((await workshop.run(job, hostOf([email(1, 'x')]))).emails, 1)
    await workshop.close()
  })

  it(
    'goes behind all that want the processor, and nobody else does',
    { skip: process.platform !== 'linux' && 'threads have no priority of their own here' },
    async () => {
      const workshop = new ThreadedWorkshop({ clock: new VirtualClock(), idle: 1_000 })
      const known = new Set(prioritiesOfThreads().keys())
      let threads = new Map<number, number>()
      const host = hostOf([], {
        nextEmails: async () => {
          threads = prioritiesOfThreads()
          return []
        },
      })
      await workshop.run(job, host)
      await workshop.close()
      const ours = threads.get(process.pid) ?? 0
      const made = [...threads].filter(([thread]) => !known.has(thread)).map(([, priority]) => priority)
      // Under the lowest there is nothing.
      assert.ok(made.some((priority) => priority > Math.min(ours, 18)))
      assert.equal(prioritiesOfThreads().get(process.pid), ours)
    },
  )

  it('ends a job when it is closed', async () => {
    const workshop = new ThreadedWorkshop({ clock: new VirtualClock(), idle: 1_000 })
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    const host = hostOf([], {
      nextEmails: () => {
        resolve()
        return new Promise(() => {})
      },
    })
    const running = assert.rejects(workshop.run(job, host), /has ended/)
    await asked
    await workshop.close()
    await running
  })
})

/** The nice value of each thread of this process (proc(5): field 19, behind the name in brackets). */
function prioritiesOfThreads(): Map<number, number> {
  const found = new Map<number, number>()
  for (const thread of readdirSync('/proc/self/task')) {
    try {
      const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1')
      found.set(Number(thread), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]))
    } catch {
      // It has just ended.
    }
  }
  return found
}
