// The rest of what programs for smtp-server bring along: certificates of clients, names looked up, logs, commands switched off; and what
// they bring along in vain.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import { createSecureContext, connect as connectTls, type TLSSocket } from 'node:tls'
import { RealRandom } from '../../base/real-random.ts'
import { makeSelfSigned } from '../../net/self-signed.ts'
import { createTransport, SmtpServer, type SmtpServerOptions, type SmtpServerSession } from './index.ts'

async function selfSigned(name: string): Promise<{ key: string; cert: string }> {
  const parts = { names: [name], random: new RealRandom(), now: Date.now() }
  const { certificate: cert, key } = await makeSelfSigned(parts)
  return { cert, key }
}

async function open(context: TestContext, options: SmtpServerOptions): Promise<number> {
  const server = new SmtpServer({ name: 'mx.x.test', ...options })
  const { port } = await server.listen(0, '127.0.0.1')
  context.after(() => server.close())
  return port
}

const letter = { from: 'a@x.test', to: 'b@y.test', subject: 'Hi', text: 'Hello' }

test('clients are asked for certificates, and turned away for a bad one unless told otherwise', async (context) => {
  const corpus = new URL('../../../test/corpora/tls/', import.meta.url)
  const file = (name: string): Promise<string> => readFile(new URL(name, corpus), 'utf8')
  const ann = { cert: await file('ann.crt'), key: await file('ann.key') }
  const eve = { cert: await file('expired.crt'), key: await file('expired.key') }
  const seen: SmtpServerSession['tlsOptions'][] = []
  const options: SmtpServerOptions = {
    ...(await selfSigned('mx.x.test')),
    ...{ requestCert: true, ca: await file('root.crt') },
    onMailFrom: (_address, { tlsOptions }) => void seen.push(tlsOptions),
  }
  const strict = await open(context, options)
  const lenient = await open(context, { ...options, rejectUnauthorized: false })
  const send = async (port: number, tls: object): Promise<unknown> => {
    await using transport = createTransport({
      ...{ host: '127.0.0.1', port, tls: { rejectUnauthorized: false, ...tls } },
    })
    return await transport.sendMail(letter)
  }
  await send(strict, ann)
  for (const tls of [eve, {}]) {
    await assert.rejects(send(strict, tls), { responseCode: 554, enhancedCode: '5.7.0' })
    await send(lenient, tls)
  }
  const certificates = seen.map((tls) => tls?.clientCertificate)
  assert.deepEqual(
    certificates.map((one) => one?.problem),
    [null, 'CERT_HAS_EXPIRED', undefined],
  )
  assert.ok((certificates[0]?.emailAddresses.length ?? 0) > 0)
})

test('a callback gives the context of a name, before those that were given by name', async (context) => {
  const other = await selfSigned('other.test')
  const port = await open(context, {
    ...(await selfSigned('mx.x.test')),
    secure: true,
    sniOptions: { 'named.test': await selfSigned('named.test') },
    SNICallback(name, callback) {
      if (name === 'broken.test') callback(new Error('no key'))
      else callback(null, name === 'other.test' ? createSecureContext(other) : undefined)
    },
  })
  const nameShown = (servername: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket: TLSSocket = connectTls({ host: '127.0.0.1', port, servername, rejectUnauthorized: false })
      socket.on('error', reject)
      socket.on('secureConnect', () => {
        resolve(socket.getPeerX509Certificate()?.subjectAltName ?? '')
        socket.destroy()
      })
    })
  assert.match(await nameShown('other.test'), /DNS:other\.test/)
  assert.match(await nameShown('named.test'), /DNS:named\.test/)
  assert.match(await nameShown('else.test'), /DNS:mx\.x\.test/)
  await assert.rejects(nameShown('broken.test'))
})

test('the name of an address is looked up where the program gives how, and only a name is taken', async (context) => {
  const names: string[] = []
  const answers: (string[] | Error)[] = [['host.far.test'], ['a\r\nb'], [], new Error('no such name')]
  const port = await open(context, {
    hideSTARTTLS: true,
    resolver: {
      reverse(address: string, callback: (error: Error | null, found: string[]) => void) {
        assert.equal(address, '127.0.0.1')
        const answer = answers.shift() ?? []
        if (answer instanceof Error) callback(answer, [])
        else callback(null, answer)
      },
    },
    onConnect: ({ clientHostname }) => void names.push(clientHostname),
  })
  const promised = await open(context, {
    hideSTARTTLS: true,
    resolver: { reverse: async () => ['host.promised.test'] },
    onConnect: ({ clientHostname }) => void names.push(clientHostname),
  })
  for (const at of [port, port, port, port, promised]) {
    await using transport = createTransport({ host: '127.0.0.1', port: at })
    await transport.verify()
  }
  const none = '[127.0.0.1]'
  assert.deepEqual(names, ['host.far.test', none, none, none, 'host.promised.test'])
})

test('a log hears of every session, and of no secret; a broken one breaks nothing', async (context) => {
  const heard: [string, Record<string, unknown>, string][] = []
  const hear = (level: string) => (facts: object, message: string) => {
    heard.push([level, { ...facts }, message])
  }
  const port = await open(context, {
    logger: { debug: hear('debug'), info: hear('info'), error: hear('error') },
    authOptional: true,
    onAuth: async ({ password }) => ({ user: password === 'opensesame' ? 1 : null }),
    onRcptTo({ address }) {
      if (address === 'no@y.test') throw new Error('nobody\r\nhere')
    },
  })
  const tls = { rejectUnauthorized: false }
  const sending: [string, string][] = []
  const tell = (level: string) => (_facts: object, message: string) => void sending.push([level, message])
  for (const pass of ['wrong-one', 'opensesame']) {
    await using transport = createTransport({
      ...{ host: '127.0.0.1', port, tls, auth: { type: 'login', user: 'ann', pass } },
      logger: { debug: tell('debug'), info: tell('info'), error: tell('error') },
    })
    await transport.sendMail({ ...letter, to: ['b@y.test', 'no@y.test'] }).catch(() => undefined)
  }
  const messages = heard.map(([, , message]) => message)
  for (const message of ['connected', 'secured', 'log-in refused', 'logged in', 'refused', 'message taken']) {
    assert.ok(messages.includes(message), message)
  }
  const [first] = heard.filter(([, , message]) => message === 'refused')
  assert.equal(first?.[1]['stage'], 'rcpt')
  assert.equal(typeof first?.[1]['session'], 'string')
  assert.ok(sending.some(([level, text]) => level === 'debug' && text.startsWith('MAIL FROM:<a@x.test>')))
  assert.ok(sending.some(([level, text]) => level === 'info' && text === 'sent'))
  assert.ok(sending.some(([level, text]) => level === 'error' && text === 'not sent'))
  const secret = Buffer.from('opensesame').toString('base64').slice(0, 12)
  assert.doesNotMatch(JSON.stringify([heard, sending]), new RegExp(`opensesame|wrong-one|Hello|${secret}`))
  const broken = await open(context, {
    logger: {
      info() {
        throw new Error('disk full')
      },
    },
  })
  await using transport = createTransport({ host: '127.0.0.1', port: broken, tls })
  await transport.sendMail(letter)
})

test('commands can be switched off, and who has no AUTH needs no log-in', async (context) => {
  const port = await open(context, {
    disabledCommands: ['auth', 'STARTTLS', 'XCLIENT'],
    useXClient: true,
    onAuth: async () => ({ user: 1 }),
  })
  const said: string[] = []
  await using transport = createTransport({
    ...{ host: '127.0.0.1', port },
    logger: { debug: (_facts, text) => void said.push(text) },
  })
  await transport.sendMail(letter)
  assert.doesNotMatch(said.join('\n'), /AUTH|STARTTLS|XCLIENT/)
})

test('options that there are not are an error at once, with what to do', () => {
  assert.throws(() => new SmtpServer({ disabledCommands: ['DATA'] }), /DATA cannot be disabled, only AUTH/)
  const strange =
    (options: object): (() => SmtpServer) =>
    () =>
      new SmtpServer(options)
  assert.throws(strange({ needsUpgrade: true }), /no option needsUpgrade: .*useProxy/)
  assert.throws(strange({ onRcptto() {} }), /did you mean onRcptTo\?/)
  assert.throws(strange({ toString: 1 }), TypeError)
})

test('listen takes a callback in place of a host', async (context) => {
  const server = new SmtpServer()
  context.after(() => server.close())
  const called = Promise.withResolvers<void>()
  const { port } = await server.listen(0, called.resolve)
  await called.promise
  assert.ok(port > 0)
})
