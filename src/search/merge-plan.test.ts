import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EmailId } from '../store/model.ts'
import type { SearchSegment } from '../store/search-index.ts'
import { planMerge } from './merge-plan.ts'

/** Segments of so many emails, one behind the other. */
function segments(...sizes: number[]): SearchSegment[] {
  let last = 0
  return sizes.map((emails, id) => {
    const firstEmail = (last + 1) as EmailId
    last += emails
    return { id, firstEmail, lastEmail: last as EmailId, emails, size: emails, version: 1 }
  })
}

const planned = (most: number, ...sizes: number[]): number[] | undefined =>
  planMerge(segments(...sizes), most)?.map(({ id }) => id)

describe('planMerge', () => {
  it('merges eight of a size', () => {
    assert.equal(planned(1e6, ...Array<number>(7).fill(1)), undefined)
    assert.deepEqual(planned(1e6, 64, ...Array<number>(8).fill(1)), [1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('takes smaller ones in between along', () => {
    assert.deepEqual(planned(1e6, 10, 10, 10, 1, 10, 10, 10, 10, 10, 1), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('leaves what would be too large', () => {
    assert.equal(planned(50, ...Array<number>(8).fill(10)), undefined)
    assert.deepEqual(planned(50, 40, 40, ...Array<number>(9).fill(5)), [2, 3, 4, 5, 6, 7, 8, 9, 10])
    assert.equal(planned(1_000, 512, 512, 64, 64, 8, 8, 1, 1), undefined)
  })

  it('keeps their number small, and writes each email a handful of times', () => {
    let all: SearchSegment[] = []
    let written = 0
    const total = 3_000
    for (let email = 1; email <= total; email++) {
      all.push({
        id: email,
        firstEmail: email as EmailId,
        lastEmail: email as EmailId,
        emails: 1,
        size: 1,
        version: 1,
      })
      for (let plan = planMerge(all, 1_000); plan !== undefined; plan = planMerge(all, 1_000)) {
        const emails = plan.reduce((sum, each) => sum + each.emails, 0)
        written += emails
        const [first] = plan
        const last = plan.at(-1)
        assert.ok(first && last)
        all = [
          ...all.slice(0, all.length - plan.length),
          { ...first, lastEmail: last.lastEmail, emails, size: emails },
        ]
      }
    }
    assert.ok(all.length < 30, `${all.length} segments`)
    assert.ok(written < total * 6, `${written} written`)
  })
})
