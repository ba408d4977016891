// Postfix from Debian as an instance of its own: delivers by virtual(8) to Maildirs, limits raised so that it is never
// held back by anything but its work (the usual settings for benchmarks).
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processTree, runProgram, type RunningServer, untilBanner } from '../server.ts'

/** Whether the package is on this machine. */
export function postfixInstalled(): boolean {
  return existsSync('/usr/sbin/postfix') && existsSync('/usr/sbin/smtp-source')
}

/**
 * Starts it with `users` mailboxes `user0@bench.test`, … and `0user0@…` for many recipients; `far@bench.test` leads to another
 * host, by the relay at `relayTo`.
 */
export async function startPostfix(options: {
  port: number
  users: number
  relayTo?: number
}): Promise<RunningServer> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-bench-postfix-'))
  await chmod(folder, 0o755)
  const uid = Number((await runProgram('id', ['-u', 'postfix'])).trim())
  const gid = Number((await runProgram('id', ['-g', 'postfix'])).trim())
  const configFolder = join(folder, 'etc')
  for (const name of ['etc', 'queue', 'data', 'mail']) await mkdir(join(folder, name))
  await chown(join(folder, 'data'), uid, gid)
  await chown(join(folder, 'mail'), uid, gid)
  await writeFile(join(configFolder, 'main.cf'), mainCf({ folder, uid, gid, relayTo: options.relayTo }))
  await writeFile(join(configFolder, 'master.cf'), masterCf(options.port))
  const names = Array.from({ length: options.users }, (_, index) => `user${index}`)
  await writeFile(
    join(configFolder, 'virtual'),
    [
      'user@bench.test user/',
      ...names.flatMap((name) => [
        `${name}@bench.test ${name}/`,
        `${name.slice(4)}user@bench.test n${name}/`,
      ]),
      '',
    ].join('\n'),
  )
  await writeFile(join(configFolder, 'aliases'), 'far@bench.test someone@sink.test\n')
  for (const name of ['virtual', 'aliases']) {
    await runProgram('postmap', ['-c', configFolder, `hash:${join(configFolder, name)}`])
  }
  await runProgram('postfix', ['-c', configFolder, 'start'])
  await untilBanner(options.port)
  const empty = async (queues: readonly string[]): Promise<boolean> => {
    for (const name of queues) {
      const entries = await readdir(join(folder, 'queue', name), { recursive: true, withFileTypes: true })
      if (entries.some((entry) => entry.isFile())) return false
    }
    return true
  }
  const master = Number((await readFile(join(folder, 'queue/pid/master.pid'), 'utf8')).trim())
  return {
    name: 'postfix',
    ports: { smtp: options.port, imap: null, pop3: null },
    pids: () => processTree(master),
    settled: () => empty(['incoming', 'active', 'deferred', 'maildrop']),
    parked: () => empty(['incoming', 'active', 'maildrop']),
    flush: async () => void (await runProgram('postqueue', ['-c', configFolder, '-f'])),
    async [Symbol.asyncDispose]() {
      await runProgram('postfix', ['-c', configFolder, 'stop']).catch(() => '')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function mainCf(options: { folder: string; uid: number; gid: number; relayTo: number | undefined }): string {
  const { folder, relayTo } = options
  return `compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = /var/log/posthorn-bench-postfix.log
myhostname = bench.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = bench.test
virtual_mailbox_base = ${folder}/mail
virtual_mailbox_maps = hash:${folder}/etc/virtual
virtual_uid_maps = static:${options.uid}
virtual_gid_maps = static:${options.gid}
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
message_size_limit = 2147483647
default_process_limit = 200
in_flow_delay = 0
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_recipient_limit = 2000
qmgr_message_active_limit = 20000
virtual_destination_concurrency_limit = 20
smtpd_peername_lookup = no
disable_dns_lookups = yes
alias_maps =
alias_database =
smtpd_relay_restrictions = permit_mynetworks, reject
${relayTo === undefined ? '' : `virtual_alias_maps = hash:${folder}/etc/aliases\nrelayhost = [127.0.0.1]:${relayTo}\n`}`
}

function masterCf(port: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`
}
