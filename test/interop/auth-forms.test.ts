// Every form of log-in and of TLS that clients know on submission, and the ways in through proxies: swaks, curl, and GNU SASL.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { freePort, hostMissing, maildir, must } from './mail-host.ts'
import { startPostfix } from './postfix-host.ts'
import { type InteropServer, password, startServer } from './server.ts'
import { missing, type Run, run } from './tool.ts'

const skipSwaks = missing('swaks && perl -MNet::SSLeay -e 1', 'swaks libnet-ssleay-perl')
const skipCurl = missing('curl')
const envelope = ['--from', 'ann@mail.test', '--to', 'bob@mail.test']
const login = ['--auth-user', 'ann@mail.test', '--auth-password', password]

function swaks(server: InteropServer, port: number, parameters: readonly string[]): Promise<Run> {
  const common = ['--server', '127.0.0.1', '--port', String(port), '--helo', 'client.test']
  return run('swaks', [...common, ...parameters], { home: server.folder })
}

async function sent(server: InteropServer, port: number, parameters: readonly string[]): Promise<string> {
  const done = await swaks(server, port, parameters)
  assert.equal(done.code, 0, done.stdout + done.stderr)
  const [message = ''] = (await server.messages('bob@mail.test')).slice(-1)
  return message
}

test('swaks: CRAM-MD5 where it is switched on', { skip: skipSwaks }, async (context) => {
  const server = await startServer(context, { settings: { auth: { cramMd5: true } } })
  const { submission, submissions } = server.ports
  for (const [port, tls] of [
    [submission, ['--tls']],
    [submissions, ['--tls-on-connect']],
  ] as const) {
    assert.match(
      await sent(server, port, [...envelope, ...tls, '--auth', 'CRAM-MD5', ...login]),
      /with ESMTPSA/,
    )
  }
  const wrong = ['--tls', '--auth', 'CRAM-MD5', '--auth-user', 'ann@mail.test', '--auth-password', 'guess']
  assert.match((await swaks(server, submission, [...envelope, ...wrong])).stdout, /535 5\.7\.8/)
})

test(
  'swaks: TLS as it may be had, versions, and a name in the handshake',
  { skip: skipSwaks },
  async (context) => {
    const server = await startServer(context)
    const { smtp, submission } = server.ports
    const plain = ['--auth', 'PLAIN', ...login]
    for (const tls of [
      ['--tls-optional'],
      ['--tls-optional-strict'],
      ['--tls', '--tls-protocol', 'tlsv1_2'],
      ['--tls', '--tls-sni', 'localhost'],
    ]) {
      assert.match(await sent(server, submission, [...envelope, ...plain, ...tls]), /with ESMTPSA/)
    }
    assert.match(await sent(server, smtp, [...envelope, '--tls-optional']), /with ESMTPS\s/)
    const old = await swaks(server, submission, [...envelope, ...plain, '--tls', '--tls-protocol', 'tlsv1_1'])
    assert.notEqual(old.code, 0)
    assert.match(
      await sent(server, submission, [...envelope, ...plain, '--tls', '--pipeline']),
      /with ESMTPSA/,
    )
  },
)

test(
  'swaks: the PROXY protocol by both versions tells whose mail it is',
  { skip: skipSwaks },
  async (context) => {
    const server = await startServer(context, {
      listeners: [{ service: 'smtp', tls: 'starttls', proxyFrom: ['127.0.0.1'] }],
    })
    const [port = 0] = server.more
    const from = [
      '--proxy-source',
      '192.0.2.7',
      '--proxy-source-port',
      '4711',
      '--proxy-dest',
      '192.0.2.1',
      '--proxy-dest-port',
      '25',
    ]
    for (const version of ['1', '2']) {
      const proxy = [
        '--proxy-version',
        version,
        '--proxy-family',
        version === '1' ? 'TCP4' : 'AF_INET',
        ...from,
      ]
      const more = version === '1' ? [] : ['--proxy-command', 'PROXY', '--proxy-protocol', 'STREAM']
      assert.match(
        await sent(server, port, [...envelope, ...proxy, ...more]),
        /from client\.test \(\[192\.0\.2\.7\]\)/,
      )
    }
    assert.notEqual((await swaks(server, port, [...envelope, '--timeout', '2s'])).code, 0)
  },
)

test('swaks: XCLIENT from listed peers alone', { skip: skipSwaks }, async (context) => {
  const server = await startServer(context, { settings: { smtp: { xclientFrom: ['127.0.0.1'] } } })
  const whose = [
    '--xclient-addr',
    '192.0.2.8',
    '--xclient-name',
    'real.example',
    '--xclient-helo',
    'real.example',
  ]
  const message = await sent(server, server.ports.smtp, [...envelope, ...whose])
  assert.match(message, /from client\.test \(real\.example \[192\.0\.2\.8\]\)/)
  const other = await startServer(context)
  const refused = await swaks(other, other.ports.smtp, [...envelope, ...whose])
  assert.notEqual(refused.code, 0)
  assert.deepEqual(await other.messages('bob@mail.test'), [])
})

test('swaks: LMTP, a reply for each recipient', { skip: skipSwaks }, async (context) => {
  const server = await startServer(context, { listeners: [{ service: 'lmtp', tls: 'starttls' }] })
  const to = ['--from', 'eve@example.org', '--to', 'ann@mail.test,nobody@mail.test,bob@mail.test']
  for (const more of [[], ['--tls']]) {
    const done = await swaks(server, server.more[0] ?? 0, ['--protocol', 'LMTP', ...to, ...more])
    assert.equal(done.code, 0, done.stdout + done.stderr)
    assert.match(done.stdout, /LHLO client\.test/)
    assert.match(done.stdout, /<[*~]\* 550 5\.1\.1/)
  }
  for (const name of ['ann', 'bob']) {
    const found = await server.messages(`${name}@mail.test`)
    assert.equal(found.length, 2)
    assert.match(found[1] ?? '', /with LMTPS\b/)
  }
})

async function curl(server: InteropServer, parameters: readonly string[]): Promise<Run> {
  const file = join(server.folder, 'mail.eml')
  await writeFile(file, 'From: ann@mail.test\r\nTo: bob@mail.test\r\nSubject: curl\r\n\r\nHi\r\n')
  const common = [
    '-sSk',
    '--mail-from',
    'ann@mail.test',
    '--mail-rcpt',
    'bob@mail.test',
    '--upload-file',
    file,
  ]
  return run('curl', [...common, ...parameters], { home: server.folder })
}

const tokens: ConfigInput = {
  auth: { verifyToken: (token) => (token === 'good' ? 'ann@mail.test' : null) },
}

test('curl: OAUTHBEARER and XOAUTH2, by STARTTLS and on TLS', { skip: skipCurl }, async (context) => {
  const server = await startServer(context, { settings: tokens })
  const { submission, submissions } = server.ports
  for (const mechanism of ['OAUTHBEARER', 'XOAUTH2']) {
    for (const url of [`smtp://127.0.0.1:${submission}`, `smtps://127.0.0.1:${submissions}`]) {
      const how = [
        '--ssl-reqd',
        '--user',
        'ann@mail.test:',
        '--login-options',
        `AUTH=${mechanism}`,
        '--url',
        url,
      ]
      const good = await curl(server, [...how, '--oauth2-bearer', 'good'])
      assert.equal(good.code, 0, `${mechanism} ${url} ${good.stderr}`)
      const bad = await curl(server, [...how, '--oauth2-bearer', 'stolen'])
      assert.equal(bad.code, 67, `${mechanism} ${url} ${bad.stderr}`)
    }
  }
  assert.equal((await server.messages('bob@mail.test')).length, 4)
})

test('curl: the PROXY protocol, on TLS as well', { skip: skipCurl }, async (context) => {
  const proxyFrom = ['127.0.0.0/8']
  const server = await startServer(context, {
    listeners: [
      { service: 'submission', tls: 'starttls', proxyFrom },
      { service: 'submission', tls: 'implicit', proxyFrom },
    ],
  })
  const [starttls = 0, implicit = 0] = server.more
  const user = ['--ssl-reqd', '--user', `ann@mail.test:${password}`, '--haproxy-protocol']
  for (const url of [`smtp://127.0.0.1:${starttls}`, `smtps://127.0.0.1:${implicit}`]) {
    const done = await curl(server, [...user, '--url', url])
    assert.equal(done.code, 0, done.stderr)
    assert.notEqual((await curl(server, [...user.slice(0, -1), '--max-time', '2', '--url', url])).code, 0)
  }
})

/** An authority, and a certificate that it gave to Ann. */
function certify(folder: string): { authority: string; certificate: string; key: string } {
  const file = (name: string): string => join(folder, name)
  const make = ['req', '-newkey', 'rsa:2048', '-nodes']
  must(
    'openssl',
    ...make,
    '-x509',
    '-days',
    '2',
    '-subj',
    '/CN=authority',
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.crt'),
  )
  must(
    'openssl',
    ...make,
    '-subj',
    '/CN=Ann',
    '-addext',
    'subjectAltName=email:ann@mail.test',
    '-keyout',
    file('ann.key'),
    '-out',
    file('ann.csr'),
  )
  const sign = [
    'x509',
    '-req',
    '-days',
    '2',
    '-copy_extensions',
    'copy',
    '-in',
    file('ann.csr'),
    '-CA',
    file('ca.crt'),
  ]
  must('openssl', ...sign, '-CAkey', file('ca.key'), '-CAcreateserial', '-out', file('ann.crt'))
  return { authority: file('ca.crt'), certificate: file('ann.crt'), key: file('ann.key') }
}

async function folderOf(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-certificates-'))
  context.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

test(
  'curl: EXTERNAL with a certificate of the client',
  { skip: skipCurl || missing('openssl') },
  async (context) => {
    const { authority, certificate, key } = certify(await folderOf(context))
    const server = await startServer(context, { settings: { tls: { clientAuthorities: authority } } })
    const how = ['--login-options', 'AUTH=EXTERNAL', '--user', 'ann@mail.test:']
    for (const url of [
      `smtp://127.0.0.1:${server.ports.submission}`,
      `smtps://127.0.0.1:${server.ports.submissions}`,
    ]) {
      const good = await curl(server, [
        '--ssl-reqd',
        ...how,
        '--cert',
        certificate,
        '--key',
        key,
        '--url',
        url,
      ])
      assert.equal(good.code, 0, good.stderr)
      assert.notEqual((await curl(server, ['--ssl-reqd', ...how, '--url', url])).code, 0)
    }
    assert.equal((await server.messages('bob@mail.test')).length, 2)
  },
)

test('gsasl: CRAM-MD5 and EXTERNAL', { skip: missing('gsasl') || missing('openssl') }, async (context) => {
  const { authority, certificate, key } = certify(await folderOf(context))
  const server = await startServer(context, {
    settings: { auth: { cramMd5: true }, tls: { clientAuthorities: authority } },
  })
  const to = ['--connect', `localhost:${server.ports.submission}`, '--smtp', '--x509-ca-file=']
  const who = [
    '--authentication-id',
    'ann@mail.test',
    '--authorization-id',
    'ann@mail.test',
    '--password',
    password,
  ]
  for (const more of [
    ['--mechanism', 'CRAM-MD5'],
    ['--mechanism', 'EXTERNAL', '--x509-cert-file', certificate, '--x509-key-file', key],
  ]) {
    const done = await run('gsasl', [...to, ...who, ...more], { home: server.folder })
    assert.equal(done.code, 0, done.stdout + done.stderr)
    assert.match(done.stdout, /^235 2\.7\.0/m)
  }
})

test(
  'a submission by swaks leaves through the queue into Postfix',
  { skip: skipSwaks || hostMissing('postfix') },
  async (context) => {
    const port = await freePort()
    const routes = [{ kind: 'host' as const, host: '127.0.0.1', port, tls: 'required' as const }]
    const server = await startServer(context, { settings: { relay: { routes } } })
    const postfix = await startPostfix(context, { port, domain: 'far.test' })
    const to = ['--from', 'ann@mail.test', '--to', 'ann@far.test', '--header', 'Subject: through']
    const done = await swaks(server, server.ports.submissions, [
      ...to,
      '--tls-on-connect',
      '--auth',
      'LOGIN',
      ...login,
    ])
    assert.equal(done.code, 0, done.stdout)
    assert.match((await maildir(postfix.mailbox, 1))[0] ?? '', /Subject: through/)
  },
)
