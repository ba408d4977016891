// Exim as an instance of its own: it takes mail for one domain into a Maildir, and may relay another domain to a port of ours.
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type HostPlace, type MailHost, must, serve, startHost } from './mail-host.ts'

export interface EximOptions {
  /** Its own domain, with the mailbox `ann`; mail.test unless given. */
  readonly domain?: string
  readonly port?: number
  /** Another domain, and the port of loopback where its mail goes. */
  readonly relay?: { readonly domain: string; readonly port: number }
  /** Options of the transport that relays. */
  readonly transport?: readonly string[]
}

export interface EximHost extends MailHost {
  /** What its main log says. */
  log(): Promise<string>
}

/** Starts one and registers its end with the test. */
export async function startExim(context: TestContext, options: EximOptions = {}): Promise<EximHost> {
  const settingsIn = (folder: string): string => join(folder, 'exim.conf')
  const host = await startHost(context, {
    name: 'exim.test',
    port: options.port,
    folders: ['spool', 'mail'],
    mailbox: 'mail',
    async start(place) {
      const { folder, port, key } = place
      must('chown', 'Debian-exim:', join(folder, 'spool'), join(folder, 'mail'), key)
      const settings = settingsIn(folder)
      await writeFile(settings, configuration(options, place))
      await chmod(settings, 0o644)
      return serve('exim4', ['-bdf', '-C', settings, '-oX', String(port), '-oP', join(folder, 'spool/pid')])
    },
    programs: (folder) => ({
      sendmail: ['exim4', '-C', settingsIn(folder), '-odi'],
      queue: ['exim4', '-C', settingsIn(folder), '-bp'],
      flush: ['exim4', '-C', settingsIn(folder), '-qff'],
    }),
  })
  return { ...host, log: () => readFile(join(host.folder, 'spool/mainlog'), 'utf8') }
}

function configuration(options: EximOptions, { folder, certificate, key }: HostPlace): string {
  const { relay } = options
  const relayed = relay?.domain ?? ''
  return `primary_hostname = exim.test
spool_directory = ${folder}/spool
log_file_path = ${folder}/spool/%slog
exim_path = ${must('/bin/sh', '-c', 'command -v exim4')}
exim_user = Debian-exim
exim_group = Debian-exim
trusted_users = root
never_users =
deliver_drop_privilege = true
domainlist local = ${options.domain ?? 'mail.test'}
domainlist relayed = ${relayed}
local_interfaces = 127.0.0.1
host_lookup =
rfc1413_query_timeout = 0s
dsn_advertise_hosts = *
chunking_advertise_hosts = *
smtputf8_advertise_hosts = *
tls_advertise_hosts = *
tls_certificate = ${certificate}
tls_privatekey = ${key}
acl_smtp_rcpt = rcpt
acl_smtp_data = data
begin acl
rcpt:
  accept domains = +local
         local_parts = ann
  accept domains = +relayed
  deny message = no such user
data:
  deny condition = \${if match{$h_subject:}{refuse}}
       message = 5.7.1 refused by its subject
  accept
begin routers
local:
  driver = accept
  domains = +local
  transport = store
${relay === undefined ? '' : relayRouter}
begin transports
store:
  driver = appendfile
  directory = ${folder}/mail
  maildir_format
  user = Debian-exim
  group = Debian-exim
${relay === undefined ? '' : relayTransport(relay.port, options.transport ?? [])}
begin retry
* * F,1h,1s
`
}

const relayRouter = `elsewhere:
  driver = manualroute
  domains = +relayed
  route_list = * 127.0.0.1
  self = send
  transport = elsewhere
`

function relayTransport(port: number, options: readonly string[]): string {
  return ['elsewhere:', 'driver = smtp', `port = ${port}`, ...options].join('\n  ')
}
