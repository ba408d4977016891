// Postfix as an instance of its own: it takes mail for one domain into Maildirs, and may relay other domains to a port of ours.
import { chown, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type HostPlace, type MailHost, must, startHost } from './mail-host.ts'

export interface PostfixOptions {
  /** Its own domain, with the mailbox `ann`; mail.test unless given. */
  readonly domain?: string
  readonly port?: number
  /** Where mail for other domains goes, by domain: `smtp:[127.0.0.1]:2525`, `lmtp:inet:127.0.0.1:2400`. */
  readonly transports?: Readonly<Record<string, string>>
  /** Lines of main.cf beside those that are here; a later one counts. */
  readonly main?: readonly string[]
}

/** The same as `name` in master.cf where the program has that name. */
const services = [
  'cleanup unix n - n - 0 cleanup',
  'qmgr unix n - n 300 1 qmgr',
  'tlsmgr unix - - n 1000? 1 tlsmgr',
  'rewrite unix - - n - - trivial-rewrite',
  'bounce unix - - n - 0 bounce',
  'defer unix - - n - 0 bounce',
  'trace unix - - n - 0 bounce',
  'verify unix - - n - 1 verify',
  'virtual unix - n n - - virtual',
  'proxymap unix - - n - - proxymap',
  'smtp unix - - n - - smtp',
  'lmtp unix - - n - - lmtp',
  'error unix - - n - - error',
  'retry unix - - n - - error',
  'anvil unix - - n - 1 anvil',
  'scache unix - - n - 1 scache',
  'showq unix n - n - - showq',
  'flush unix n - n 1000? 0 flush',
  'pickup unix n - n 60 1 pickup',
  'postlog unix-dgram n - n - 1 postlogd',
]

/** Starts one, on 127.0.0.1, and on 127.0.0.2 for those who take the first for themselves. */
export function startPostfix(context: TestContext, options: PostfixOptions = {}): Promise<MailHost> {
  const etcIn = (folder: string): string => join(folder, 'etc')
  return startHost(context, {
    name: 'postfix.test',
    port: options.port,
    folders: ['etc', 'queue', 'data', 'mail'],
    mailbox: 'mail/ann',
    async start(place) {
      const { folder, port } = place
      const [uid, gid] = [Number(must('id', '-u', 'postfix')), Number(must('id', '-g', 'postfix'))]
      for (const name of ['data', 'mail']) await chown(join(folder, name), uid, gid)
      const etc = etcIn(folder)
      await writeFile(join(etc, 'main.cf'), mainSettings(options, { ...place, uid, gid }))
      const doors = ['127.0.0.1', '127.0.0.2'].map((address) => `${address}:${port} inet n - n - - smtpd`)
      await writeFile(join(etc, 'master.cf'), `${[...doors, ...services].join('\n')}\n`)
      must('postfix', '-c', etc, 'start')
      return () => {
        must('postfix', '-c', etc, 'stop')
      }
    },
    programs: (folder) => ({
      sendmail: ['/usr/sbin/sendmail', '-C', etcIn(folder)],
      queue: ['postqueue', '-c', etcIn(folder), '-p'],
      flush: ['postqueue', '-c', etcIn(folder), '-f'],
    }),
  })
}

interface Place extends HostPlace {
  readonly uid: number
  readonly gid: number
}

function mainSettings(options: PostfixOptions, { folder, certificate, key, uid, gid }: Place): string {
  const domain = options.domain ?? 'mail.test'
  const transports = Object.entries(options.transports ?? {}).map(([name, next]) => `{${name}=${next}}`)
  return `compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = ${folder}/log
maillog_file_prefixes = ${folder}
myhostname = postfix.test
myorigin = ${domain}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = ${domain}
virtual_mailbox_base = ${folder}/mail
virtual_mailbox_maps = inline:{ann@${domain}=ann/}
virtual_mailbox_limit = 0
message_size_limit = 100000000
virtual_uid_maps = static:${uid}
virtual_gid_maps = static:${gid}
virtual_minimum_uid = 1
alias_maps =
alias_database =
transport_maps = ${transports.length > 0 ? `inline:{${transports.join(' ')}}` : ''}
disable_dns_lookups = yes
smtpd_peername_lookup = no
local_header_rewrite_clients =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_cert_file = ${certificate}
smtpd_tls_key_file = ${key}
${(options.main ?? []).join('\n')}
`
}
