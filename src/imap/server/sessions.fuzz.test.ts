// Several sessions on one mailbox doing random things: every client's picture, made only of what it was told, stays right.
//
// RFC 3501 §7.4.1 and nasty input 40: a sequence number never changes its meaning inside FETCH, STORE or SEARCH; EXISTS never shrinks; after a
// NOOP all see what the store holds.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ImapClient, imapServer } from '../../../test/support/imap-session.ts'
import { testStore } from '../../../test/support/store.ts'

/** One client's knowledge: UIDs by sequence number; 0 where only EXISTS was told. */
class Picture {
  readonly client: ImapClient
  uids: number[] = []

  constructor(client: ImapClient) {
    this.client = client
  }

  async do(text: string, holds: boolean): Promise<string> {
    const answer = await this.client.command(text)
    for (const line of answer.split('\r\n')) this.#hear(line, holds)
    return answer
  }

  #hear(line: string, holds: boolean): void {
    const told = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)(?: \(UID (\d+))?/.exec(line)
    if (told === null) return
    const number = Number(told[1])
    if (told[2] === 'EXISTS') {
      assert.ok(number >= this.uids.length, 'EXISTS never takes messages away')
      while (this.uids.length < number) this.uids.push(0)
    } else if (told[2] === 'EXPUNGE') {
      assert.equal(holds, false, 'no EXPUNGE inside FETCH, STORE or SEARCH')
      assert.ok(number <= this.uids.length)
      this.uids.splice(number - 1, 1)
    } else {
      assert.ok(number <= this.uids.length, 'FETCH of a number that is there')
      if (told[3] === undefined) return
      const uid = Number(told[3])
      const known = this.uids[number - 1]
      assert.ok(known === 0 || known === uid, `${number} was ${known} and is told as ${uid}`)
      this.uids[number - 1] = uid
    }
  }
}

const step = fc.record({
  who: fc.nat(2),
  what: fc.constantFrom(
    'append',
    'delete',
    'expunge',
    'fetch',
    'flag',
    'search',
    'noop',
    'copy',
    'move',
    'uid fetch',
  ),
  pick: fc.nat(20),
})

async function perform(picture: Picture, { what, pick }: { what: string; pick: number }): Promise<void> {
  const number = picture.uids.length === 0 ? 0 : (pick % picture.uids.length) + 1
  if (what === 'append') await picture.do('APPEND INBOX {2+}\r\nhi', false)
  else if (what === 'expunge') await picture.do('EXPUNGE', false)
  else if (what === 'noop') await picture.do('NOOP', false)
  else if (what === 'search') await picture.do('SEARCH UNSEEN', true)
  else if (what === 'uid fetch') await picture.do('UID FETCH 1:* (FLAGS)', false)
  else if (number === 0) return
  else if (what === 'delete') await picture.do(`STORE ${number} +FLAGS.SILENT (\\Deleted)`, true)
  else if (what === 'flag') await picture.do(`STORE ${number} FLAGS (\\Flagged k${pick})`, true)
  else if (what === 'fetch') await picture.do(`FETCH 1:${number} (UID FLAGS)`, true)
  else if (what === 'copy') await picture.do(`COPY ${number} INBOX`, false)
  else if (what === 'move') await picture.do(`MOVE ${number} Archive`, false)
}

test('several sessions never contradict themselves', async (context) => {
  const store = await testStore(context)
  const { service } = imapServer(store)
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const address = `u${++round}@example.org`
      const pictures = await Promise.all(
        [0, 1, 2].map(async () => new Picture(await new ImapClient(service).open(address))),
      )
      for (const picture of pictures) await picture.do('SELECT INBOX', false)
      for (const each of steps) {
        const picture = pictures[each.who]
        if (picture !== undefined) await perform(picture, each)
      }
      const account = (await store.credentialsOf(address))?.account
      const inbox = account && (await store.findMailbox({ account: account.id, name: 'INBOX' }))
      assert.ok(account && inbox)
      const { uids } = await store.loadView({ account: account.id, mailbox: inbox.id })
      for (const picture of pictures) {
        await picture.do('NOOP', false)
        if (uids.length > 0) await picture.do('FETCH 1:* (UID FLAGS)', true)
        assert.deepEqual(picture.uids, [...uids])
        await picture.client.leave()
      }
    }),
    { numRuns: 40 },
  )
})
