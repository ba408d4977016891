// Dovecot from Debian as an instance of its own: IMAP and POP3 over sdbox, passwd-file, log-in processes kept.
import { existsSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ended, processTree, runProgram, type RunningServer, untilBanner } from '../server.ts'

/** Whether the package is on this machine. */
export function dovecotInstalled(): boolean {
  return (
    existsSync('/usr/sbin/dovecot') &&
    existsSync('/usr/lib/dovecot/imap') &&
    existsSync('/usr/lib/dovecot/pop3')
  )
}

/** Starts it for `user0@bench.test`, … with password `secret`. */
export async function startDovecot(options: {
  imap: number
  pop3: number
  users: number
}): Promise<RunningServer> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-bench-dovecot-'))
  await chmod(folder, 0o755)
  const uid = Number((await runProgram('id', ['-u', 'mail'])).trim())
  const gid = Number((await runProgram('id', ['-g', 'mail'])).trim())
  await mkdir(join(folder, 'mail'))
  await chown(join(folder, 'mail'), uid, gid)
  const users = Array.from(
    { length: options.users },
    (_, index) => `user${index}@bench.test:{PLAIN}secret::::::\n`,
  )
  await writeFile(join(folder, 'users'), users.join(''))
  await writeFile(join(folder, 'dovecot.conf'), configuration({ folder, uid, gid, ...options }))
  const child = spawn('/usr/sbin/dovecot', ['-F', '-c', join(folder, 'dovecot.conf')], { stdio: 'ignore' })
  await untilBanner(options.imap)
  const master = child.pid ?? 0
  return {
    name: 'dovecot',
    ports: { smtp: null, imap: options.imap, pop3: options.pop3 },
    pids: () => processTree(master),
    settled: () => Promise.resolve(true),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function configuration(options: {
  folder: string
  uid: number
  gid: number
  imap: number
  pop3: number
}): string {
  return `protocols = imap pop3
base_dir = ${options.folder}/run
log_path = ${options.folder}/log
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_cache_size = 10M
first_valid_uid = 1
mail_location = sdbox:${options.folder}/mail/%u
mail_uid = ${options.uid}
mail_gid = ${options.gid}
mail_max_userip_connections = 1000
default_client_limit = 4000
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${options.folder}/users
}
userdb {
  driver = static
  args = uid=${options.uid} gid=${options.gid} home=${options.folder}/mail/%u
}
service imap-login {
  service_count = 0
  process_min_avail = 2
  inet_listener imap {
    port = ${options.imap}
  }
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  service_count = 0
  process_min_avail = 2
  inet_listener pop3 {
    port = ${options.pop3}
  }
  inet_listener pop3s {
    port = 0
  }
}
service imap {
  process_limit = 1000
}
protocol pop3 {
  pop3_no_flag_updates = yes
}
namespace inbox {
  inbox = yes
}
`
}
