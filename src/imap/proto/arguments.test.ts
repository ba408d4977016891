// Strings in every form: wherever the grammar of a command has an `astring`, a `string` or a `value`, it is taken as atom, quoted, literal and
// non-synchronizing literal (RFC 3501 §4.3, RFC 7888), and a literal8 where RFC 3516 and RFC 5464 allow one, whole and octet by octet,
// and means the same.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Buffer } from 'node:buffer'
import { commands } from './commands/table.ts'
import { ImapSession } from './session.ts'
import { cutEvery, cutRandomly } from '../../../test/support/feed.ts'
import { imapLimits } from '../../../test/support/imap-limits.ts'
import type { ImapAnswer, ImapQuestion } from './commands/command.ts'
import type { Output } from '../../base/core.ts'

/**
 * `<a x>` is an astring or a list-mailbox, `<s x>` a string, `<v x>` a value, for which a literal8 does as well. The rest stands as it is.
 * With `*` before it the command is given before log-in, with `!` in a session that has enabled IMAP4rev2.
 */
const lines = [
  '*ID (<s name> <s Some Mail> <s version> <s 1>)',
  '*LOGIN <a ann> <a secret>',
  'SELECT <a Work>',
  'SELECT <a Work> (CONDSTORE)',
  'EXAMINE <a Work>',
  'CREATE <a New>',
  'CREATE <a New> (USE (\\Sent))',
  'DELETE <a Old>',
  'RENAME <a Old> <a New>',
  'SUBSCRIBE <a Work>',
  'UNSUBSCRIBE <a Work>',
  'LIST <s > <a W*%>',
  'LIST <a Work> <a x>',
  'LIST (SUBSCRIBED) <s > (<a A%> <a B*>) RETURN (CHILDREN METADATA (<a /shared/comment> <a /private/comment>))',
  'LSUB <s > <a W%>',
  'XLIST <s > <a W%>',
  'STATUS <a Work> (MESSAGES)',
  'SETACL <a Work> <a bob> <a lr>',
  'DELETEACL <a Work> <a bob>',
  'GETACL <a Work>',
  'LISTRIGHTS <a Work> <a bob>',
  'MYRIGHTS <a Work>',
  'GETQUOTA <s >',
  'GETQUOTAROOT <a Work>',
  'SETQUOTA <s > (STORAGE 5)',
  'GETMETADATA <a Work> <a /shared/comment>',
  'GETMETADATA (DEPTH 1) <a Work> (<a /shared/comment> <a /private/comment>)',
  'SETMETADATA <a Work> (<a /shared/comment> <v some text> <a /private/comment> NIL)',
  'GENURLAUTH <a imap://h/Work/;uid=1;urlauth=anonymous> INTERNAL',
  'URLFETCH <a imap://h/x> (<a imap://h/y> BODY)',
  'RESETKEY <a Work> INTERNAL',
  'NOTIFY SET (mailboxes (<a Work> <a INBOX>) (MessageNew MessageExpunge)) (subtree <a x> (MailboxName))',
  'ESEARCH IN (mailboxes <a Work> subtree (<a x> <a y>)) RETURN (ALL) SUBJECT <a hello>',
  'APPEND <a Work> (\\Seen) {2+}\r\nhi',
  'APPEND <a Work> CATENATE (URL <a /Work/;uid=1> TEXT {2+}\r\nhi)',
  'REPLACE 1 <a Work> {2+}\r\nhi',
  'COPY 1 <a Work>',
  'MOVE 1 <a Work>',
  'UID COPY 1 <a Work>',
  'UID MOVE 1 <a Work>',
  'UID REPLACE 1 <a Work> {2+}\r\nhi',
  'FETCH 1 (BODY.PEEK[HEADER.FIELDS (<a From> <a X-Y>)]<0.5> FLAGS)',
  'UID FETCH 1 BODY[1.HEADER.FIELDS.NOT (<a To>)]',
  'SEARCH CHARSET <a UTF-8> SUBJECT <a hello> OR FROM <a x> (NOT HEADER <a X-Y> <a z>) TEXT <s a b> BODY <a b> CC <a c> BCC <a d> TO <a e>',
  'UID SEARCH RETURN (COUNT) SUBJECT <a hello>',
  'SORT (REVERSE DATE) <a UTF-8> SUBJECT <a hello>',
  'THREAD REFERENCES <a UTF-8> SUBJECT <a hello>',
  '!SELECT <s Entw\xc3\xbcrfe>',
]

/** Commands in which no string stands. */
const without = [
  ...[
    'CAPABILITY',
    'NOOP',
    'LOGOUT',
    'STARTTLS',
    'AUTHENTICATE',
    'ENABLE',
    'COMPRESS',
    'UNAUTHENTICATE',
    'GETJMAPACCESS',
  ],
  ...['NAMESPACE', 'IDLE', 'CHECK', 'CLOSE', 'UNSELECT', 'EXPUNGE', 'STORE', 'UIDBATCHES'],
]

type Form = 'atom' | 'quoted' | 'literal' | 'literal+' | 'literal8' | 'literal8+'

const forms: Record<string, readonly Form[]> = {
  a: ['atom', 'quoted', 'literal', 'literal+'],
  s: ['quoted', 'literal', 'literal+'],
  v: ['quoted', 'literal', 'literal+', 'literal8', 'literal8+'],
}

function written(value: string, form: Form): string {
  switch (form) {
    case 'atom':
      return value
    case 'quoted':
      return `"${value}"`
    default: {
      const plus = form.endsWith('+') ? '+' : ''
      return `${form.startsWith('literal8') ? '~' : ''}{${value.length}${plus}}\r\n${value}`
    }
  }
}

const places = /<([asv]) ([^>]*)>/g

/** The line with the string at `place` in one form and all others in another. */
function spell(line: string, choose: (place: number, kind: string, value: string) => Form): string {
  let place = 0
  return line.replace(places, (_, kind: string, value: string) =>
    written(value, choose(place++, kind, value)),
  )
}

function answerOf(question: ImapQuestion): ImapAnswer {
  if (question.type === 'sasl') return { type: 'sasl', answer: { type: 'accepted' } }
  const selects = question.type === 'request' && question.request.name === 'SELECT'
  if (selects) return { type: 'done', status: 'OK', text: 'x', state: { name: 'selected', readOnly: false } }
  if (question.type === 'append' || question.type === 'append-chunk') return { type: 'proceed' }
  if (question.type === 'append-more' && question.steps.at(-1)?.step !== 'end') return { type: 'proceed' }
  return { type: 'done', status: 'OK', text: 'x' }
}

/** What the command asked, and how often the client was told to go on. */
function converse(
  line: string,
  cut: (bytes: Uint8Array) => Uint8Array[],
): { asked: string; continued: number } {
  const session = new ImapSession({
    ...{
      limits: imapLimits(),
      hostname: 'mail.example',
      startTls: false,
      clearTextAllowed: true,
      scram: false,
    },
    random: { bytes: (length) => new Uint8Array(length), below: () => 0, id: () => 'x' },
    ...{ serverSecret: new Uint8Array(16), scramIterations: 4096 },
  })
  let said = ''
  const asked: ImapQuestion[] = []
  const take = (outputs: readonly Output<ImapQuestion>[]): void => {
    for (const output of outputs) {
      if (output.type === 'write') said += Buffer.from(output.bytes).toString('latin1')
      else if (output.type === 'ask') {
        // How a message is cut is no meaning of it.
        if (output.question.type !== 'append-chunk') asked.push(output.question)
        take(session.answer(answerOf(output.question)))
      }
    }
  }
  take(session.open(null))
  const before = line.startsWith('*') ? '' : 'l LOGIN ann secret\r\ns SELECT INBOX\r\n'
  take(session.receive(Buffer.from(before + (line.startsWith('!') ? 'e ENABLE IMAP4rev2\r\n' : ''))))
  said = ''
  asked.length = 0
  for (const chunk of cut(Buffer.from(`t ${line.replace(/^[*!]/, '')}\r\n`, 'latin1')))
    take(session.receive(chunk))
  const lastLine = said.split('\r\n').at(-2) ?? ''
  assert.match(lastLine, /^t OK/, `${JSON.stringify(line)} was answered ${lastLine}`)
  return { asked: JSON.stringify(asked), continued: said.match(/^\+ /gm)?.length ?? 0 }
}

test('a string means the same in every form, wherever it stands', () => {
  for (const line of lines) {
    const usual = spell(line, () => 'quoted')
    const { asked } = converse(usual, (bytes) => [bytes])
    const spellings = new Set<string>([usual])
    for (const [place, [, kind = 'a']] of [...line.matchAll(places)].entries()) {
      for (const form of forms[kind] ?? []) {
        spellings.add(spell(line, (each) => (each === place ? form : 'quoted')))
        spellings.add(
          spell(line, (each, other) =>
            each >= place && forms[other]?.includes(form) === true ? form : 'literal+',
          ),
        )
      }
    }
    for (const spelling of spellings) {
      const synchronizing = spelling.match(/\{\d+\}\r\n/g)?.length ?? 0
      for (const cut of [(bytes: Uint8Array) => [bytes], bySingleOctets, atRandom]) {
        const found = converse(spelling, cut)
        assert.equal(found.asked, asked, JSON.stringify(spelling))
        assert.equal(found.continued, synchronizing, JSON.stringify(spelling))
      }
    }
  }
})

function bySingleOctets(bytes: Uint8Array): Uint8Array[] {
  return cutEvery(bytes, 1)
}

function atRandom(bytes: Uint8Array): Uint8Array[] {
  return cutRandomly(bytes, bytes.length)
}

test('a literal8 is none of these elsewhere', () => {
  for (const line of lines) {
    for (const [place, [, kind]] of [...line.matchAll(places)].entries()) {
      if (kind === 'v') continue
      const spelling = spell(line, (each) => (each === place ? 'literal8+' : 'quoted'))
      assert.throws(() => converse(spelling, (bytes) => [bytes]), /was answered/, JSON.stringify(spelling))
    }
  }
})

test('every command is in the table of strings, or has none', () => {
  const seen = new Set(lines.flatMap((line) => line.replace(/^[*!]/, '').split(' ').slice(0, 1)))
  for (const name of commands.keys()) assert.ok(seen.has(name) || without.includes(name), name)
})
