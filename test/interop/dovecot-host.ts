// Dovecot's LMTP as an instance of its own, with two mailboxes that have room (`ann`, `bob`) and one that has none (`full`).
import { chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { endWith, freePort, hostFolder, must, serve, untilGreeting } from './mail-host.ts'

/** Starts one and registers its end with the test; the Maildirs are folders of `mail`. */
export async function startDovecot(context: TestContext): Promise<{ port: number; mail: string }> {
  const folder = await hostFolder()
  const port = await freePort()
  const [uid, gid] = [Number(must('id', '-u', 'mail')), Number(must('id', '-g', 'mail'))]
  await mkdir(join(folder, 'mail'))
  await chown(join(folder, 'mail'), uid, gid)
  await writeFile(
    join(folder, 'users'),
    ['ann:::::::\n', 'bob:::::::\n', 'full:::::::userdb_quota_rule=*:bytes=100\n'].join(''),
  )
  const settings = join(folder, 'dovecot.conf')
  await writeFile(
    settings,
    `protocols = lmtp
base_dir = ${folder}/run
log_path = ${folder}/log
listen = 127.0.0.1
ssl = no
first_valid_uid = 1
mail_uid = ${uid}
mail_gid = ${gid}
mail_location = maildir:${folder}/mail/%n
auth_username_format = %Ln
mail_plugins = quota
plugin {
  quota = maildir:User quota
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
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${port}
  }
}
`,
  )
  endWith(context, folder, serve('dovecot', ['-F', '-c', settings]))
  await untilGreeting(port)
  return { port, mail: join(folder, 'mail') }
}
