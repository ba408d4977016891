// RFC 4314 §4 as a table: which rights each command needs in a mailbox of another user, and what is said without them. Whatever
// rights one has, no answer tells more than they allow (§6).
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'node:test'
import { allRights } from '../../store/sharing.ts'
import { ImapClient, imapServer } from '../../../test/support/imap-session.ts'
import { testStore } from '../../../test/support/store.ts'

interface Row {
  /** `M` stands for the mailbox. */
  readonly command: string
  readonly needs: (has: (right: string) => boolean) => boolean
  /** What is said where the mailbox may not be looked up. */
  readonly hidden: string
}

const nonexistent = 'NO [NONEXISTENT]'
const tryCreate = 'NO [TRYCREATE]'

function needs(right: string, hidden = nonexistent): Pick<Row, 'needs' | 'hidden'> {
  return { needs: (has) => has(right), hidden }
}

/** In an order in which none takes away what the next needs. */
const rows: readonly Row[] = [
  { command: 'SUBSCRIBE M', ...needs('l') },
  { command: 'STATUS M (MESSAGES)', ...needs('r') },
  { command: 'GETQUOTAROOT M', ...needs('r') },
  { command: 'GETACL M', ...needs('a') },
  { command: 'LISTRIGHTS M anyone', ...needs('a') },
  { command: 'SETACL M anyone ""', ...needs('a') },
  { command: 'DELETEACL M anyone', ...needs('a') },
  {
    command: 'MYRIGHTS M',
    needs: (has) => [...'lrikxa'].some((right) => has(right)),
    hidden: nonexistent,
  },
  {
    command: 'GETMETADATA M /shared/comment',
    needs: (has) => has('l') && [...'rswip'].some((right) => has(right)),
    hidden: nonexistent,
  },
  {
    command: 'SETMETADATA M (/private/comment "x")',
    needs: (has) => has('l') && [...'rswip'].some((right) => has(right)),
    hidden: nonexistent,
  },
  { command: 'APPEND M {2+}\r\nhi', ...needs('i', tryCreate) },
  { command: 'COPY 1 M', ...needs('i', tryCreate) },
  // Without "l" on the superior it is not told apart from what cannot be made anywhere.
  { command: 'CREATE M/below', ...needs('k', 'NO [NOPERM]') },
  { command: 'DELETE M/below', needs: (has) => has('k') && has('x'), hidden: nonexistent },
  { command: 'UNSUBSCRIBE M', needs: () => true, hidden: '' },
  { command: 'EXAMINE M', ...needs('r') },
]

/** Afterwards, in a session that has selected the mailbox. */
const selectedRows: readonly [command: string, right: string][] = [
  ['STORE 1 +FLAGS (\\Seen)', 's'],
  ['STORE 1 +FLAGS (\\Deleted)', 't'],
  ['STORE 1 +FLAGS (\\Flagged)', 'w'],
  ['EXPUNGE', 'e'],
]

test('every command needs its rights, and says no more than they allow', async (context) => {
  const store = await testStore(context)
  const { service } = imapServer(store)
  const ann = await new ImapClient(service).open('ann@example.org')
  const bob = await new ImapClient(service).open('bob@example.org')
  await bob.command('APPEND INBOX {2+}\r\nhi')
  await ann.command('CREATE Top')
  await ann.command('SETACL Top bob@example.org lk')
  let number = 0
  await fc.assert(
    fc.asyncProperty(fc.subarray([...allRights]), async (chosen) => {
      const name = `Top/M${++number}`
      const has = (right: string): boolean => chosen.includes(right)
      await ann.command(`CREATE ${name}`)
      await ann.command(`APPEND ${name} {2+}\r\nhi`)
      await ann.command(`SETACL ${name} bob@example.org "${chosen.join('')}"`)
      const theirs = `Other Users/ann@example.org/${name}`
      const answer = async (command: string): Promise<string> => {
        const text = command.replace(/\bM(\/below)?(?= |$)/, (_, below = '') => `"${theirs}${below}"`)
        return (await bob.command(text)).split('\r\n').at(-2) ?? ''
      }
      assert.equal((await bob.command(`LIST "" "${theirs}"`)).includes('* LIST'), has('l'))
      await bob.command('SELECT INBOX')
      for (const row of rows) {
        const said = await answer(row.command)
        const wanted = row.needs(has)
          ? 'OK '
          : has('l') && !row.command.startsWith('DELETE')
            ? 'NO [NOPERM]'
            : row.hidden
        const rights = chosen.join('')
        if (row.command.startsWith('DELETE'))
          assert.equal(said.startsWith('OK '), row.needs(has), `${rights}: ${said}`)
        else assert.ok(said.startsWith(wanted), `${row.command} with "${rights}": ${said}`)
      }
      const opened = await bob.command(`SELECT "${theirs}"`)
      if (!has('r')) return assert.ok(!opened.includes('EXISTS'))
      const writable = [...'iestw'].some(has)
      assert.ok(opened.includes(writable ? 'OK [READ-WRITE]' : 'OK [READ-ONLY]'), opened)
      const permanent = /\[PERMANENTFLAGS \(([^)]*)\)\]/.exec(opened)?.[1] ?? ''
      assert.deepEqual(
        [permanent.includes('\\Seen'), permanent.includes('\\Deleted'), permanent.includes('\\*')],
        [has('s'), has('t'), has('w')].map((each) => each && writable),
      )
      for (const [command, right] of selectedRows) {
        const said = (await bob.command(command)).split('\r\n').at(-2) ?? ''
        assert.equal(said.startsWith('OK '), has(right), `${command} with "${chosen.join('')}": ${said}`)
      }
      return undefined
    }),
    { numRuns: 60 },
  )
  await ann.leave()
  await bob.leave()
})
