// Thunderbird, as it is installed: folders, reading, flags, copies, moves, search on the server, drafts, the bin, and mail that comes while
// it idles. It is driven without a screen; what it does to our mailboxes is looked at from outside.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from './mail-host.ts'
import { shown } from './mailbox-state.ts'
import { commandsIn, Thunderbird } from './marionette.ts'
import { password, startServer } from './server.ts'
import { missing } from './tool.ts'

const letter = (number: number): string =>
  `From: bob@mail.test\r\nTo: ann@mail.test\r\nSubject: number ${number}\r\nMessage-ID: <${number}@mail.test>\r\n` +
  `Date: Sun, 22 Nov 2026 08:0${number}:00 +0000\r\n\r\napple ${number}\r\n`

test(
  'Thunderbird reads, marks, files, searches, drafts, deletes and idles',
  { skip: missing('thunderbird') },
  async (t) => {
    const server = await startServer(t, { settings: { auth: { allowClearText: true } } })
    for (const number of [1, 2, 3, 4, 5]) await server.put('ann@mail.test', letter(number))
    const log = join(server.folder, 'imap.log')
    const thunderbird = await Thunderbird.start(t, { home: server.folder, log })

    await thunderbird.run(`
    const made = MailServices.accounts.createIncomingServer('ann@mail.test', '127.0.0.1', 'imap')
    Object.assign(made, { port: ${server.ports.imap}, socketType: 0, authMethod: 3, password: ${JSON.stringify(password)} })
    const identity = MailServices.accounts.createIdentity()
    identity.email = 'ann@mail.test'
    const account = MailServices.accounts.createAccount()
    account.incomingServer = made
    account.addIdentity(identity)`)
    const found = await thunderbird.run(`
    server.performExpand(null)
    const inbox = await until(() => special('Inbox'))
    await update(inbox)
    await until(() => mail(inbox).length === 5)
    return [root.subFolders.map(({ name }) => name).sort(), mail(inbox).map(({ subject }) => subject)]`)
    const numbers = [1, 2, 3, 4, 5].map((number) => `number ${number}`)
    assert.deepEqual(found, [['Archive', 'Drafts', 'INBOX', 'Junk', 'Sent', 'Trash'], numbers])

    const text = await thunderbird.run(`
    const uri = special('Inbox').getUriForMsg(mail(special('Inbox'))[0])
    return new Promise((resolve) => {
      let text = ''
      MailServices.messageServiceFromURI(uri).streamMessage(uri, {
        QueryInterface: ChromeUtils.generateQI(['nsIStreamListener']),
        onStartRequest() {},
        onDataAvailable(request, stream, offset, count) {
          const input = Cc['@mozilla.org/scriptableinputstream;1'].createInstance(Ci.nsIScriptableInputStream)
          input.init(stream)
          text += input.read(count)
        },
        onStopRequest: () => resolve(text),
      }, null, null, false, '', false)
    })`)
    assert.ok(String(text).endsWith(letter(1)))

    await thunderbird.run(`
    const inbox = special('Inbox')
    const [one, two, three] = mail(inbox)
    inbox.markMessagesRead([one, two], true)
    inbox.markMessagesFlagged([two], true)
    inbox.addKeywordsToMessages([three], '$label1 work')
    await update(inbox)`)

    // A name in no charset of old: UTF8=ACCEPT is enabled.
    assert.deepEqual(
      await thunderbird.run(`
      root.createSubfolder('Grüße & mehr', null)
      const folder = await until(() => root.subFolders.find(({ name }) => name.startsWith('Gr')))
      const inbox = special('Inbox')
      const [one, two] = mail(inbox)
      MailServices.copy.copyMessages(inbox, [one], folder, false, null, null, false)
      await until(() => mail(folder).length === 1)
      MailServices.copy.copyMessages(inbox, [two], folder, true, null, null, false)
      await until(() => mail(folder).length === 2 && mail(inbox).length === 4)
      return mail(folder).map(({ subject }) => subject)`),
      ['number 1', 'number 2'],
    )
    assert.deepEqual(await server.messages('ann@mail.test', 'Grüße & mehr'), [letter(1), letter(2)])

    const hits = await thunderbird.run(`
    const inbox = special('Inbox')
    const session = Cc['@mozilla.org/messenger/searchSession;1'].createInstance(Ci.nsIMsgSearchSession)
    session.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, inbox)
    const term = session.createTerm()
    const { value } = term
    value.attrib = term.attrib = Ci.nsMsgSearchAttrib.Body
    value.str = 'apple 4'
    term.value = value
    term.op = Ci.nsMsgSearchOp.Contains
    session.appendTerm(term)
    const hits = []
    await new Promise((resolve) => {
      session.registerListener({
        QueryInterface: ChromeUtils.generateQI(['nsIMsgSearchNotify']),
        onNewSearch() {},
        onSearchHit: ({ subject }) => hits.push(subject),
        onSearchDone: resolve,
      })
      session.search(null)
    })
    return hits`)
    assert.deepEqual(hits, ['number 4'])

    await thunderbird.run(`
    const file = Services.dirsvc.get('ProfD', Ci.nsIFile)
    file.append('draft.eml')
    await IOUtils.writeUTF8(file.path, 'From: ann@mail.test\\r\\nSubject: Entwurf Ü\\r\\nMessage-ID: <d@mail.test>\\r\\n\\r\\nhi\\r\\n')
    const read = Ci.nsMsgMessageFlags.Read
    const status = await ended((listener) =>
      MailServices.copy.copyFileMessage(file, special('Drafts'), null, false, read, '', listener, null))
    if (status !== 0) throw new Error('the draft was not kept: ' + status)`)
    assert.match((await server.messages('ann@mail.test', 'Drafts')).join(''), /Subject: Entwurf Ü\r\n/)

    await thunderbird.run(`
    const inbox = special('Inbox')
    inbox.deleteMessages([mail(inbox)[0]], null, false, false, null, false)
    await until(() => mail(inbox).length === 3)`)
    assert.deepEqual(await server.messages('ann@mail.test', 'Trash'), [letter(1)])

    // It idles in INBOX and is told; what it marked meanwhile is ours too.
    await server.put('ann@mail.test', letter(6))
    await thunderbird.run(
      `await until(() => mail(special('Inbox')).some(({ subject }) => subject === 'number 6'))`,
    )
    const filed = await until('the flags', async () => {
      const lines = await shown(server, 'ann@mail.test', 'Grüße & mehr')
      return lines[1]?.includes('Flagged') === true ? lines : undefined
    })
    assert.deepEqual(filed, ['number 1 \\Seen', 'number 2 \\Flagged \\Seen'])
    assert.equal((await shown(server, 'ann@mail.test'))[0], 'number 3 $label1 work')

    const commands = await commandsIn(log)
    for (const begins of [
      'COMPRESS DEFLATE',
      'ENABLE UTF8=ACCEPT',
      'IDLE',
      'getquotaroot',
      'uid move',
      'uid copy',
    ])
      assert.ok(
        commands.some((command) => command.startsWith(begins)),
        `it said ${begins}`,
      )
  },
)
