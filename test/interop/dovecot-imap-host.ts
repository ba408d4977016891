// Dovecot's IMAP server as an instance of its own, with STARTTLS and TLS, and a Maildir++ below the namespace prefix `INBOX.`, as many
// hosts have it: mail that people move away from.
import { chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { endWith, freePort, hostFolder, makeCertificate, must, serve, untilGreeting } from './mail-host.ts'

export interface DovecotImap {
  readonly port: number
  readonly tlsPort: number
  /** The PEM file of its certificate, for `imap.test`. */
  readonly certificate: string
  /** The Maildir of `ann`, whose password is `secret`. */
  readonly maildir: string
}

/** Starts one and registers its end with the test. `files`: by path in Ann's Maildir. */
export async function startDovecotImap(
  context: TestContext,
  files: Readonly<Record<string, string>>,
): Promise<DovecotImap> {
  const folder = await hostFolder()
  const [port, tlsPort] = [await freePort(), await freePort()]
  const [uid, gid] = [Number(must('id', '-u', 'mail')), Number(must('id', '-g', 'mail'))]
  const maildir = join(folder, 'mail', 'ann')
  for (const [path, text] of Object.entries(files)) {
    const whole = join(maildir, path)
    for (const part of ['cur', 'new', 'tmp']) await mkdir(join(whole, '..', '..', part), { recursive: true })
    await writeFile(whole, text, 'latin1')
  }
  for (const each of await readdir(join(folder, 'mail'), { recursive: true })) {
    await chown(join(folder, 'mail', each), uid, gid)
  }
  await chown(join(folder, 'mail'), uid, gid)
  const { certificate, key } = makeCertificate(folder, 'imap.test')
  await chmod(key, 0o600)
  await writeFile(join(folder, 'users'), 'ann:{PLAIN}secret::::::\n')
  const settings = join(folder, 'dovecot.conf')
  await writeFile(settings, settingsOf({ folder, port, tlsPort, uid, gid, certificate, key }))
  endWith(context, folder, serve('dovecot', ['-F', '-c', settings]))
  await untilGreeting(port)
  return { port, tlsPort, certificate, maildir }
}

function settingsOf(of: {
  folder: string
  port: number
  tlsPort: number
  uid: number
  gid: number
  certificate: string
  key: string
}): string {
  const { folder, port, tlsPort, uid, gid, certificate, key } = of
  return `protocols = imap
base_dir = ${folder}/run
log_path = ${folder}/log
listen = 127.0.0.1
ssl = yes
ssl_cert = <${certificate}
ssl_key = <${key}
first_valid_uid = 1
mail_uid = ${uid}
mail_gid = ${gid}
mail_location = maildir:${folder}/mail/%n
namespace inbox {
  inbox = yes
  prefix = INBOX.
  separator = .
  mailbox Gesendet {
    special_use = \\Sent
    auto = create
  }
}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%n ${folder}/users
}
userdb {
  driver = passwd-file
  args = username_format=%n ${folder}/users
  override_fields = uid=${uid} gid=${gid} home=${folder}/mail/%n
}
service imap-login {
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = ${tlsPort}
    ssl = yes
  }
}
`
}
