// The webmail when it is closed, and without a network: push by the worker, and what was read lately.
import assert from 'node:assert/strict'
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { assertQuiet, type House, letter, noChromium, openHouse, until } from './harness.ts'

/** A browser's side of a push service, which Chromium has only with Google's: keys, an endpoint, and what came to it in the clear. */
async function openPushService() {
  const keys = createECDH('prime256v1')
  const publicKey = keys.generateKeys()
  const auth = randomBytes(16)
  /** RFC 8291 §3.4, RFC 8188 §2.1. */
  const decrypt = (body: Buffer): string => {
    const salt = body.subarray(0, 16)
    const theirs = body.subarray(21, 21 + body.readUInt8(20))
    const text = body.subarray(21 + theirs.length)
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), publicKey, theirs])
    const input = Buffer.from(hkdfSync('sha256', keys.computeSecret(theirs), auth, info, 32))
    const derive = (name: string, length: number): Buffer =>
      Buffer.from(hkdfSync('sha256', input, salt, `Content-Encoding: ${name}\0`, length))
    const cipher = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12))
    cipher.setAuthTag(text.subarray(-16))
    const plain = Buffer.concat([cipher.update(text.subarray(0, -16)), cipher.final()])
    return plain.subarray(0, plain.lastIndexOf(2)).toString()
  }
  const pushed: string[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      pushed.push(decrypt(Buffer.concat(parts)))
      response.writeHead(201).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const subscription = {
    endpoint: `http://127.0.0.1:${port}/push`,
    keys: { p256dh: publicKey.toString('base64url'), auth: auth.toString('base64url') },
  }
  return { subscription, pushed, close: () => server.close() }
}

/** Hands a push to the worker as the browser does (CDP). */
async function openDelivery(page: Page, origin: string): Promise<(data: string) => Promise<void>> {
  const session = await page.context().newCDPSession(page)
  let registrationId = ''
  session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
    registrationId =
      registrations.find(({ scopeURL }) => scopeURL === `${origin}/mail/`)?.registrationId ?? ''
  })
  await session.send('ServiceWorker.enable')
  await until(page, 'a registration', async () => Promise.resolve(registrationId !== ''))
  return (data) =>
    session.send('ServiceWorker.deliverPushMessage', { origin, registrationId, data }).then(() => undefined)
}

const shown = (page: Page): Promise<{ title: string; body: string; data: string }[]> =>
  page.evaluate(`navigator.serviceWorker.ready
    .then((registration) => registration.getNotifications())
    .then((all) => all.map(({ title, body, data }) => ({ title, body, data })))`)

describe('webmail, away', { skip: noChromium }, () => {
  let house: House
  after(() => house.close())
  afterEach(() => house.closePages())
  before(async () => {
    house = await openHouse({ jmap: { pushToLoopback: true } })
    for (const word of ['alpha', 'beta']) {
      const message = letter({
        from: `Writer ${word} <${word}@elsewhere.test>`,
        subject: `About ${word}`,
        text: `The ${word} text.`,
      })
      await house.put('ann@mail.test', message, { keywords: ['$seen'] })
    }
  })

  test('push: switched on, verified by the worker, announced with its subject, opened by a click, switched off', async () => {
    const service = await openPushService()
    const ann = await house.open('ann@mail.test', { serviceWorkers: 'allow' })
    const { page } = ann
    await page.context().grantPermissions(['notifications'])
    await page.addInitScript(`{
      const held = { now: null }
      const made = { toJSON: () => (${JSON.stringify(service.subscription)}), unsubscribe: async () => { held.now = null; return true } }
      PushManager.prototype.subscribe = async (options) => { globalThis.asked = options; return (held.now = made) }
      PushManager.prototype.getSubscription = async () => held.now
    }`)
    await page.goto('/mail/')
    await page.getByText('About alpha').waitFor()
    const deliver = await openDelivery(page, house.origin)
    const choose = async (name: string): Promise<void> => {
      await page.getByRole('button', { name: 'Account ann@mail.test' }).click()
      await page.getByText(name, { exact: true }).click()
    }
    await choose('Always')
    await page.getByText('New mail is announced on this device').waitFor()
    await until(page, 'the verification', async () => Promise.resolve(service.pushed.length === 1))
    assert.match(service.pushed[0] ?? '', /"PushVerification"/)
    await deliver(service.pushed[0] ?? '')
    const verified = `fetch('/jmap/api', { method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ using: ['urn:ietf:params:jmap:core'], methodCalls: [['PushSubscription/get', { ids: null }, '0']] }) })
      .then((response) => response.json()).then(({ methodResponses: [[, { list }]] }) => list)`
    const list = (): Promise<{ verificationCode: string | null; types: string[] }[]> =>
      page.evaluate(verified)
    await until(page, 'verified', async () => typeof (await list())[0]?.verificationCode === 'string')
    assert.deepEqual((await list())[0]?.types, ['EmailDelivery'])
    // Nobody looks at the mail: the page is elsewhere.
    await page.goto('/account/')
    await house.put(
      'ann@mail.test',
      letter({ from: 'Zoe <zoe@elsewhere.test>', subject: 'While away', text: 'Hello.' }),
    )
    await until(page, 'the push', async () => Promise.resolve(service.pushed.length === 2))
    await deliver(service.pushed[1] ?? '')
    const worker = page.context().serviceWorkers()[0]
    assert.ok(worker !== undefined)
    const notes = (): Promise<{ title: string; body: string; data: string }[]> =>
      worker.evaluate(`self.registration.getNotifications()
        .then((all) => all.map(({ title, body, data }) => ({ title, body, data })))`)
    await until(page, 'the notification', async () => (await notes()).length === 1)
    const [note] = await notes()
    assert.deepEqual([note?.title, note?.body], ['Zoe', 'While away'])
    await page.goto('/mail/')
    await page.getByText('About alpha').waitFor()
    await worker.evaluate(`self.registration.getNotifications().then(([notification]) =>
      self.dispatchEvent(new NotificationEvent('notificationclick', { notification })))`)
    await page.locator('.thread-title', { hasText: 'While away' }).waitFor()
    assert.deepEqual(await shown(page), [])
    await choose('Never')
    await page.getByText('no longer announced').waitFor()
    await until(page, 'no subscription', async () => (await list()).length === 0)
    service.close()
    // Chromium gives no real click here, without which a page may not be focused.
    assertQuiet({ ...ann, troubles: ann.troubles.filter((trouble) => !trouble.includes('focus a window')) })
  })

  test('push that the browser refuses says what to do', async () => {
    const ann = await house.open('ann@mail.test', { serviceWorkers: 'allow' })
    const { page } = ann
    await page.context().grantPermissions(['notifications'])
    await page.addInitScript(`PushManager.prototype.subscribe = async () => {
      throw new DOMException('Registration failed', 'AbortError')
    }`)
    await page.goto('/mail/')
    await page.getByText('About alpha').waitFor()
    await page.getByRole('button', { name: 'Account ann@mail.test' }).click()
    await page.getByText('Always', { exact: true }).click()
    await page.getByText('reaches no push service').waitFor()
    assertQuiet(ann)
  })

  test('offline: what was read survives a reload, all of it comes back with the network, and nothing stays after log-out', async () => {
    const html = `From: Carl <carl@elsewhere.test>\nTo: ann@mail.test\nSubject: About colours\nMessage-ID: <colours@elsewhere.test>\nContent-Type: text/html; charset=utf-8\n\n<p>Teal, <b>mostly</b>.</p>\n`
    await house.put('ann@mail.test', html)
    const { page } = await house.open('ann@mail.test', { serviceWorkers: 'allow' })
    const row = (text: string) => page.locator('.conversation', { hasText: text })
    const kept = (): Promise<string[]> => page.evaluate('caches.keys()')
    await page.goto('/mail/')
    await row('About alpha').locator('.conversation-text').click()
    await page.getByText('The alpha text.').last().waitFor()
    await row('About colours').locator('.conversation-text').click()
    await page.frameLocator('.html-mail').getByText('Teal, mostly.').waitFor()
    await page.evaluate('navigator.serviceWorker.ready')
    const isKept = `caches.match('/mail/kept/index').then((found) => found?.text()).then((text) => text?.includes('About colours') === true)`
    await until(page, 'the record', () => page.evaluate<boolean>(isKept))
    await page.context().setOffline(true)
    await page.goto('/mail/')
    await page.getByText('Offline: what was read lately').waitFor()
    await row('About alpha').waitFor()
    assert.equal(await row('About beta').count(), 0, 'it was never read')
    await row('About alpha').locator('.conversation-text').click()
    await page.locator('.plain-text', { hasText: 'The alpha text.' }).waitFor()
    await row('About colours').locator('.conversation-text').click()
    await page.locator('.plain-text', { hasText: 'Teal, mostly.' }).waitFor()
    await page.getByRole('link', { name: 'Archive' }).click()
    await page.getByText('Nothing that is here was read lately').waitFor()
    await page.getByRole('link', { name: 'Inbox' }).click()
    await row('About alpha').waitFor()
    await page.context().setOffline(false)
    await row('About beta').waitFor()
    await until(page, 'online', async () => (await page.locator('.offline-note').count()) === 0)
    assert.ok((await kept()).includes('posthorn-mail-1'))
    await page.getByRole('button', { name: 'Account ann@mail.test' }).click()
    await page.getByText('Log out', { exact: true }).click()
    await page.getByLabel('Password').waitFor()
    await until(page, 'forgotten', async () => !(await kept()).includes('posthorn-mail-1'))
  })
})
