// Dovecot as a client: its imapc storage reads our mailboxes as if they were its own, and dsync keeps them the same as a Maildir.
import assert from 'node:assert/strict'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { hostMissing, must } from './mail-host.ts'
import { letter, shown, subjectOf } from './mailbox-state.ts'
import { otherClient } from './other-client.ts'
import { type InteropServer, password, startServer } from './server.ts'
import { run, succeed } from './tool.ts'

const skip = hostMissing('doveadm', 'dovecot-imapd')

interface Dovecot {
  /** Runs doveadm on our mailboxes. */
  ours(...parameters: string[]): Promise<string>
  /** Runs dsync between its Maildir and our mailboxes until it has nothing more to do. */
  sync(): Promise<void>
  /** Runs doveadm on its Maildir. */
  own(...parameters: string[]): Promise<string>
  readonly maildir: string
}

/** In a folder that its own user may enter, since Dovecot reads no mail as root. */
async function dovecot(t: TestContext, server: InteropServer): Promise<Dovecot> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-imapc-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o755)
  const maildir = join(folder, 'Mail')
  await mkdir(maildir)
  await mkdir(join(folder, 'home'))
  for (const name of [folder, maildir, join(folder, 'home')]) {
    await chown(name, Number(must('id', '-u', 'mail')), Number(must('id', '-g', 'mail')))
  }
  const settings = join(folder, 'dovecot.conf')
  await writeFile(
    settings,
    `base_dir = ${folder}/run
log_path = /dev/stderr
mail_home = ${folder}/home
mail_location = maildir:${maildir}
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
first_valid_gid = 1
ssl_client_ca_file =
imapc_host = 127.0.0.1
imapc_port = ${server.ports.imaps}
imapc_ssl = imaps
imapc_ssl_verify = no
imapc_user = ann@mail.test
imapc_password = ${password}
imapc_features = rfc822.size fetch-headers fetch-bodystructure search modseq acl delay-login
namespace inbox {
  inbox = yes
  separator = /
}
`,
  )
  const environment = { USER: 'ann' }
  const doveadm = (parameters: readonly string[]): Promise<string> =>
    succeed('doveadm', ['-c', settings, ...parameters], { home: folder, environment })
  const location = ['-o', `mail_location=imapc:${folder}/imapc`]
  return {
    maildir,
    own: (...parameters) => doveadm(parameters),
    ours: (...parameters) => doveadm([...location, ...parameters]),
    async sync() {
      for (let turn = 0; turn < 5; turn++) {
        const done = await run('doveadm', ['-c', settings, 'sync', 'imapc:'], { home: folder, environment })
        if (done.code === 0) return
        // doveadm-sync(1): 2 asks for another run. imapc has no GUIDs, so what arrived on both sides at once gets new UIDs.
        assert.equal(done.code, 2, done.stderr)
      }
      assert.fail('dsync never ends')
    },
  }
}

async function subjectsIn(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const part of ['new', 'cur']) {
    for (const file of await readdir(join(folder, part))) {
      found.push(subjectOf(await readFile(join(folder, part, file), 'utf8')))
    }
  }
  return found.toSorted()
}

const fields = 'mailbox uid flags hdr.subject size.virtual body'

test('doveadm reads, searches, flags, copies, moves and expunges through imapc', { skip }, async (t) => {
  const server = await startServer(t)
  const { ours } = await dovecot(t, server)
  for (const number of [1, 2, 3, 4]) await server.put('ann@mail.test', letter(`m${number}`))
  await server.put('ann@mail.test', letter('w1'), 'Work/Entwürfe')
  assert.deepEqual((await ours('mailbox', 'list')).trim().split('\n').toSorted(), [
    ...['Archive', 'Drafts', 'INBOX', 'Junk', 'Sent', 'Trash', 'Work', 'Work/Entwürfe'],
  ])
  const read = await ours('fetch', fields, 'mailbox', 'INBOX', 'subject', 'm2')
  assert.match(read, /^uid: 2$/m)
  assert.match(read, /^Text of m2\r?$/m)
  const status = await ours('mailbox', 'status', 'messages unseen uidnext uidvalidity highestmodseq', 'INBOX')
  assert.match(status, /messages=4 .*uidnext=5/)
  assert.match(await ours('search', 'mailbox', 'INBOX', 'BODY', 'of m3'), /^[0-9a-f]{32} 3$/m)
  await ours('flags', 'add', '\\Seen \\Flagged $Work', 'mailbox', 'INBOX', 'subject', 'm1')
  await ours('mailbox', 'create', 'Kept')
  await ours('copy', 'Kept', 'mailbox', 'INBOX', 'subject', 'm2')
  await ours('move', 'Kept', 'mailbox', 'INBOX', 'subject', 'm3')
  await ours('expunge', 'mailbox', 'INBOX', 'subject', 'm4')
  assert.deepEqual(await shown(server, 'ann@mail.test'), ['m1 \\Flagged \\Seen $Work', 'm2'])
  assert.deepEqual(await shown(server, 'ann@mail.test', 'Kept'), ['m2', 'm3'])
  await ours('mailbox', 'rename', 'Kept', 'Work/Kept')
  assert.deepEqual(await shown(server, 'ann@mail.test', 'Work/Kept'), ['m2', 'm3'])
  await ours('mailbox', 'delete', 'Work/Kept')
  assert.doesNotMatch(await ours('mailbox', 'list'), /Kept/)
})

test('dsync keeps a Maildir and our mailboxes the same, in both directions', { skip }, async (t) => {
  const server = await startServer(t)
  const { maildir, own, sync } = await dovecot(t, server)
  for (const number of [1, 2, 3, 4]) await server.put('ann@mail.test', letter(`m${number}`))
  await server.put('ann@mail.test', letter('w1'), 'Work')
  await sync()
  const subjects = (): Promise<string[]> => subjectsIn(maildir)
  assert.deepEqual(await subjects(), ['m1', 'm2', 'm3', 'm4'])
  assert.deepEqual(await subjectsIn(join(maildir, '.Work')), ['w1'])

  // Here a flag, a removal and a new one.
  const other = await otherClient(t, server)
  await other.mailboxOpen('INBOX')
  await other.messageFlagsAdd({ subject: 'm1' }, ['\\Flagged'])
  await other.messageDelete({ subject: 'm2' })
  await server.put('ann@mail.test', letter('m5'))
  await sync()
  assert.deepEqual(await subjects(), ['m1', 'm3', 'm4', 'm5'])
  // And the same there.
  await own('flags', 'add', '\\Seen', 'mailbox', 'INBOX', 'subject', 'm3')
  await own('expunge', 'mailbox', 'INBOX', 'subject', 'm4')
  const added = join(maildir, 'cur', '1.new.here:2,F')
  await writeFile(added, letter('m6').replaceAll('\r', ''))
  await chown(added, Number(must('id', '-u', 'mail')), Number(must('id', '-g', 'mail')))
  await sync()
  const there = (await shown(server, 'ann@mail.test')).toSorted()
  assert.deepEqual(there, ['m1 \\Flagged', 'm3 \\Seen', 'm5', 'm6 \\Flagged'])
  assert.deepEqual(await subjects(), ['m1', 'm3', 'm5', 'm6'])
})
