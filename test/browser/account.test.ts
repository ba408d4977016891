// Log-in and settings as people use them: password, codes of an app, passkeys, app passwords, sessions; the first start.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { TOTP } from 'otpauth'
import {
  assertAccessible,
  assertQuiet,
  dark,
  type House,
  noChromium,
  openHouse,
  password,
  phone,
  until,
} from './harness.ts'

describe('account pages', { skip: noChromium }, () => {
  let house: House
  after(() => house.close())
  before(async () => {
    house = await openHouse()
  })

  test('a wrong password is said in words, the right one opens the mail', async () => {
    const person = await house.open(null)
    await person.page.goto('/mail/')
    await person.page.getByLabel('Address').fill('ann@mail.test')
    await person.page.getByLabel('Password').fill('wrong')
    await person.page.getByRole('button', { name: 'Log in' }).click()
    await person.page.getByText('do not fit together').waitFor()
    await person.page.getByLabel('Password').fill(password)
    await person.page.getByRole('button', { name: 'Log in' }).click()
    await person.page.getByRole('heading', { name: 'Inbox' }).waitFor()
    assert.match(person.page.url(), /\/mail\//)
    // The refusal is a 401, which browsers write down as an error.
    assert.deepEqual(
      person.troubles.filter((one) => !one.includes('401')),
      [],
    )
  })

  test('codes of an app are asked for once they are set up', async () => {
    const bob = await house.open('bob@mail.test')
    await bob.page.goto('/account/security')
    await bob.page.getByRole('button', { name: 'Set up' }).click()
    const secret = (await bob.page.locator('.secret').innerText()).replaceAll(' ', '')
    const code = (): string => new TOTP({ secret }).generate()
    await bob.page.getByLabel('Its six digits').fill(code())
    await bob.page.getByRole('button', { name: 'Confirm' }).click()
    await bob.page.getByText('shown this once').waitFor()
    const [recovery = ''] = await bob.page.locator('.recovery-codes li').allInnerTexts()
    await bob.page.getByRole('button', { name: 'I have kept them' }).click()
    const again = await house.open(null)
    await again.page.goto('/login')
    await again.page.getByLabel('Address').fill('bob@mail.test')
    await again.page.getByLabel('Password').fill(password)
    await again.page.getByRole('button', { name: 'Log in' }).click()
    await again.page.getByLabel('Code').fill(recovery)
    await again.page.getByRole('button', { name: 'Confirm' }).click()
    await again.page.getByRole('heading', { name: 'Inbox' }).waitFor()
    assertQuiet(bob)
  })

  test('a passkey opens the account without a password', async () => {
    const ann = await house.open('ann@mail.test')
    const devtools = await ann.page.context().newCDPSession(ann.page)
    await devtools.send('WebAuthn.enable')
    await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
        ...{ isUserVerified: true, automaticPresenceSimulation: true },
      },
    })
    await ann.page.goto('/account/security')
    await ann.page.getByRole('button', { name: 'Add' }).click()
    await ann.page.getByLabel('Name').fill('Test key')
    await ann.page.getByRole('button', { name: 'Go on' }).click()
    await ann.page.getByText('Test key').waitFor()
    await ann.page.getByRole('button', { name: 'Log out' }).click()
    await ann.page.getByRole('button', { name: 'Use a passkey' }).click()
    await ann.page.getByRole('heading', { name: 'Inbox' }).waitFor()
    assertQuiet(ann)
  })

  test('an app password is shown once, opens JMAP, and no longer when it is revoked', async () => {
    const ann = await house.open('ann@mail.test')
    await ann.page.goto('/account/app-passwords')
    await ann.page.getByRole('button', { name: 'Make one' }).click()
    await ann.page.getByLabel('What it is for').fill('Phone')
    await ann.page.getByRole('button', { name: 'Make it' }).click()
    const secret = await ann.page.locator('.shown-password').innerText()
    await ann.page.getByRole('button', { name: 'Done' }).click()
    const ask = async (): Promise<number> => {
      const authorization = `Basic ${Buffer.from(`ann@mail.test:${secret}`).toString('base64')}`
      return (await fetch(`${house.origin}/jmap/session`, { headers: { authorization } })).status
    }
    assert.equal(await ask(), 200)
    await ann.page.getByRole('button', { name: 'Revoke Phone' }).click()
    await ann.page.getByRole('button', { name: 'Revoke', exact: true }).click()
    await ann.page.getByText('None yet').waitFor()
    assert.equal(await ask(), 401)
    assertQuiet(ann)
  })

  test('a signature and a vacation answer are kept', async () => {
    const ann = await house.open('ann@mail.test')
    await ann.page.goto('/account/')
    await ann.page.getByRole('button', { name: 'Change ann@mail.test' }).click()
    await ann.page.getByLabel('Name').fill('Ann of the Mail')
    const editor = ann.page.frameLocator('.editor-frame').getByRole('textbox')
    await editor.click()
    await ann.page.keyboard.type('Ann')
    await ann.page.keyboard.press('Enter')
    await ann.page.keyboard.type('Posthorn Lane 1')
    await ann.page.getByRole('button', { name: 'Save' }).click()
    await ann.page.locator('pre.signature', { hasText: 'Posthorn Lane 1' }).waitFor()
    await ann.page.getByRole('button', { name: 'Change ann@mail.test' }).click()
    await editor.getByText('Posthorn Lane 1').waitFor()
    await editor.click()
    await ann.page.keyboard.press('Control+a')
    await ann.page.getByRole('button', { name: 'Bold' }).click()
    await editor.locator('b').first().waitFor()
    await ann.page.getByRole('button', { name: 'Save' }).click()
    const shown = ann.page.frameLocator('.signature .html-mail')
    await shown.locator('b', { hasText: 'Posthorn Lane 1' }).waitFor()
    // The same stands in what is written, and as text in what is written plainly.
    await ann.page.goto('/mail/')
    await ann.page.getByRole('heading', { name: 'Inbox' }).waitFor()
    await ann.page.keyboard.press('c')
    await editor.locator('.posthorn-signature b', { hasText: 'Posthorn Lane 1' }).waitFor()
    await ann.page.goto('/account/vacation')
    await ann.page.getByLabel('Text').fill('At sea.')
    await ann.page.getByLabel('Send answers').check()
    await ann.page.getByRole('button', { name: 'Save' }).click()
    await ann.page.getByText('Answers are sent').waitFor()
    await ann.page.reload()
    await until(
      ann.page,
      'the text',
      async () => (await ann.page.getByLabel('Text').inputValue()) === 'At sea.',
    )
    assertQuiet(ann)
  })

  for (const [name, options] of [
    ['light', {}],
    ['dark', dark],
    ['phone', phone],
  ] as const) {
    test(`all pages are accessible: ${name}`, async () => {
      const nobody = await house.open(null, options)
      await nobody.page.goto('/login')
      await nobody.page.getByLabel('Password').waitFor()
      await assertAccessible(nobody.page, 'log-in')
      const ann = await house.open('ann@mail.test', options)
      for (const path of ['', 'vacation', 'security', 'app-passwords', 'sessions', 'look']) {
        await ann.page.goto(`/account/${path}`)
        await ann.page.locator('.settings-page .title').waitFor()
        await until(ann.page, 'all loaded', async () => (await ann.page.locator('.skeleton').count()) === 0)
        await assertAccessible(ann.page, path)
      }
      assertQuiet(nobody, ann)
    })
  }
})
