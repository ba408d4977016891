// The webmail while things cross: answers that come late, keys pressed twice, what is undone before it is done; and what is more than a
// page or a request holds: whole folders, many windows.
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Locator, Page, Route } from 'playwright-core'
import { assertAccessible, assertQuiet, type House, letter, noChromium, openHouse, until } from './harness.ts'

const groupSize = 50

describe('webmail, crossing', { skip: noChromium }, () => {
  let house: House
  after(() => house.close())
  afterEach(() => house.closePages())
  before(async () => {
    house = await openHouse({ jmap: { maxObjectsInSet: groupSize } })
  })

  const row = (page: Page, text: string): Locator => page.locator('.conversation', { hasText: text })
  const openInbox = async (page: Page): Promise<void> => {
    await page.goto('/mail/')
    await page.getByRole('heading', { name: 'Inbox' }).waitFor()
  }
  const put = (subject: string): Promise<string> =>
    house.put('ann@mail.test', letter({ from: 'Dan <dan@elsewhere.test>', subject, text: 'Here.' }))

  /** The mailboxes of a person by role, and how many emails they hold. */
  const mailboxes = async (person: string): Promise<Map<string, { id: string; totalEmails: number }>> => {
    const accountId = await house.accountId(person)
    const answers = await house.jmap(person, [['Mailbox/get', { accountId, ids: null }, '0']])
    const list = answers[0]?.[1]['list'] as { id: string; role: string; totalEmails: number }[]
    return new Map(list.map((one) => [one.role, one]))
  }

  /** Requests that have this in them wait until the result is called. */
  const holdBack = async (
    page: Page,
    text: string,
  ): Promise<{ held: Promise<void>; release: () => void }> => {
    const held = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    const wait = async (route: Route): Promise<void> => {
      if (route.request().postData()?.includes(text) === true) {
        held.resolve()
        await go.promise
      }
      await route.continue()
    }
    await page.route('**/jmap/api', wait)
    return {
      held: held.promise,
      // The route stays: one that is taken away answers for what it still holds.
      release: () => go.resolve(),
    }
  }

  test('what is undone before the server has heard of it stays where it was', async () => {
    const id = await put('Here and back')
    const ann = await house.open('ann@mail.test')
    await openInbox(ann.page)
    await row(ann.page, 'Here and back').locator('.conversation-text').click()
    await ann.page.locator('.thread-title', { hasText: 'Here and back' }).waitFor()
    const { held, release } = await holdBack(ann.page, 'mailboxIds/')
    await ann.page.keyboard.press('e')
    await held
    await row(ann.page, 'Here and back').waitFor({ state: 'detached' })
    await ann.page.keyboard.press('z')
    release()
    await row(ann.page, 'Here and back').waitFor()
    const inbox = (await mailboxes('ann@mail.test')).get('inbox')?.id ?? ''
    const accountId = await house.accountId('ann@mail.test')
    await until(ann.page, 'back on the server', async () => {
      const asked = { accountId, ids: [id], properties: ['mailboxIds'] }
      const answers = await house.jmap('ann@mail.test', [['Email/get', asked, '0']])
      const list = answers[0]?.[1]['list'] as { mailboxIds: Record<string, boolean> }[] | undefined
      return list?.[0]?.mailboxIds[inbox] === true
    })
    assertQuiet(ann)
  })

  test('an answer that is older than what was done does not bring it back', async () => {
    await put('Gone for now')
    const ann = await house.open('ann@mail.test')
    await openInbox(ann.page)
    await row(ann.page, 'Gone for now').waitFor()
    const { held, release } = await holdBack(ann.page, 'mailboxIds/')
    await row(ann.page, 'Gone for now').locator('.conversation-text').click()
    await ann.page.locator('.thread-title', { hasText: 'Gone for now' }).waitFor()
    await ann.page.keyboard.press('#')
    await held
    // The list is asked for again meanwhile, and answers as it was.
    const answered = ann.page.waitForResponse(
      (response) => response.request().postData()?.includes('collapseThreads') === true,
    )
    await put('Another one')
    await (await answered).finished()
    await ann.page.evaluate('new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))')
    assert.equal(await row(ann.page, 'Gone for now').count(), 0)
    release()
    await row(ann.page, 'Another one').waitFor()
    await row(ann.page, 'Gone for now').waitFor({ state: 'detached' })
    assertQuiet(ann)
  })

  test('changes that could not be fetched are fetched later', async () => {
    const ann = await house.open('ann@mail.test')
    await openInbox(ann.page)
    await ann.page.waitForLoadState('networkidle')
    let refused = 0
    let well = false
    const refuse = (route: Route): Promise<void> => {
      if (well || route.request().postData()?.includes('Email/changes') !== true) return route.continue()
      refused++
      return route.fulfill({ status: 503, body: '{}' })
    }
    await ann.page.route('**/jmap/api', refuse)
    await put('In bad times')
    await until(ann.page, 'three tries', () => Promise.resolve(refused >= 3))
    well = true
    await row(ann.page, 'In bad times').waitFor()
    assertQuiet({ ...ann, troubles: ann.troubles.filter((trouble) => !trouble.includes('503')) })
  })

  test('a message is sent once, however often it is sent, with the last words in it', async () => {
    const ann = await house.open('ann@mail.test', { undoSeconds: 0 })
    const bob = await house.open('bob@mail.test')
    await openInbox(ann.page)
    await ann.page.keyboard.press('c')
    await ann.page.getByRole('dialog', { name: 'New message' }).waitFor()
    await ann.page.keyboard.type('bob@mail.test,')
    await ann.page.getByPlaceholder('Subject').fill('Only once')
    const editor = ann.page.frameLocator('.editor-frame').getByRole('textbox')
    await editor.click()
    const { held, release } = await holdBack(ann.page, 'EmailSubmission/set')
    await ann.page.keyboard.type('The very last word.')
    await ann.page.keyboard.press('Control+Enter')
    await ann.page.keyboard.press('Control+Enter')
    await held
    await ann.page.keyboard.press('Control+Enter')
    release()
    await ann.page.getByText('Sent', { exact: true }).last().waitFor()
    await openInbox(bob.page)
    await row(bob.page, 'Only once').locator('.conversation-text').click()
    await bob.page.frameLocator('.html-mail').getByText('The very last word.').waitFor()
    assert.equal(await bob.page.locator('.message').count(), 1)
    const boxes = await mailboxes('ann@mail.test')
    assert.deepEqual([boxes.get('drafts')?.totalEmails, boxes.get('sent')?.totalEmails], [0, 1])
    assertQuiet(ann, bob)
  })

  test('a third window makes the first a title, and nothing of it is lost', async () => {
    const ann = await house.open('ann@mail.test')
    await openInbox(ann.page)
    for (const subject of ['First', 'Second', 'Third']) {
      await ann.page.getByRole('button', { name: 'Write', exact: true }).click()
      await ann.page.locator('.compose').last().getByPlaceholder('Subject').fill(subject)
    }
    const first = ann.page.locator('.compose', { has: ann.page.getByRole('heading', { name: 'First' }) })
    await ann.page.locator('.compose.is-small', { hasText: 'First' }).waitFor()
    assert.equal(await ann.page.locator('.compose').count(), 3)
    assert.equal(await first.getByPlaceholder('Subject').isVisible(), false)
    await assertAccessible(ann.page, 'three windows')
    await first.getByRole('button', { name: 'Open' }).click()
    assert.equal(await first.getByPlaceholder('Subject').inputValue(), 'First')
    await ann.page.locator('.compose.is-small', { hasText: 'Second' }).waitFor()
    for (const subject of ['First', 'Second', 'Third']) {
      const window = ann.page.locator('.compose', { has: ann.page.getByRole('heading', { name: subject }) })
      if ((await window.getAttribute('class'))?.includes('is-small') === true)
        await window.getByRole('button', { name: 'Open' }).click()
      await window.getByRole('button', { name: 'Throw the draft away' }).click()
      await window.waitFor({ state: 'detached' })
    }
    await until(ann.page, 'no drafts', async () => {
      return (await mailboxes('ann@mail.test')).get('drafts')?.totalEmails === 0
    })
    assertQuiet(ann)
  })

  test('a whole folder is moved in groups, what is not loaded too, and back again', async () => {
    const accountId = await house.accountId('bob@mail.test')
    const junk = (await mailboxes('bob@mail.test')).get('junk')?.id ?? ''
    const total = 3 * groupSize + 20
    for (let start = 0; start < total; start += groupSize) {
      const create = Object.fromEntries(
        Array.from({ length: Math.min(groupSize, total - start) }, (_, index) => [
          `e${index}`,
          {
            mailboxIds: { [junk]: true },
            from: [{ email: 'spammer@elsewhere.test' }],
            subject: `Offer ${start + index}`,
            bodyValues: { text: { value: 'Buy.' } },
            textBody: [{ partId: 'text', type: 'text/plain' }],
          },
        ]),
      )
      await house.jmap('bob@mail.test', [['Email/set', { accountId, create }, '0']])
    }
    const bob = await house.open('bob@mail.test')
    await openInbox(bob.page)
    await bob.page.getByRole('link', { name: 'Junk' }).click()
    await row(bob.page, 'Offer').first().waitFor()
    await bob.page.keyboard.press('x')
    await bob.page.getByText('1 chosen').waitFor()
    await bob.page.getByRole('button', { name: `All ${total}` }).click()
    await bob.page.getByText(`${total} chosen`).waitFor()
    await assertAccessible(bob.page, 'all chosen')
    await bob.page
      .getByRole('toolbar', { name: 'What is chosen' })
      .getByRole('button', { name: 'Archive' })
      .click()
    await bob.page.getByText('All of it moved to').waitFor()
    await bob.page.getByText('Nothing here').waitFor()
    assert.equal((await mailboxes('bob@mail.test')).get('archive')?.totalEmails, total)
    await bob.page.keyboard.press('z')
    await row(bob.page, 'Offer').first().waitFor()
    await until(bob.page, 'all back', async () => {
      return (await mailboxes('bob@mail.test')).get('junk')?.totalEmails === total
    })
    assertQuiet(bob)
  })

  test('who was written to once is known after the mail has gone', async () => {
    const id = await house.put(
      'ann@mail.test',
      letter({
        from: 'ann@mail.test',
        to: 'Zora Zimmer <zora@elsewhere.test>',
        subject: 'To Zora',
        text: 'Hi.',
      }),
      { role: 'sent', keywords: ['$seen'] },
    )
    const ann = await house.open('ann@mail.test')
    const suggest = async (): Promise<void> => {
      await openInbox(ann.page)
      await ann.page.keyboard.press('c')
      await until(ann.page, 'Zora is suggested', async () => {
        await ann.page.getByLabel('To', { exact: true }).fill('zim')
        return (await ann.page.getByRole('option', { name: 'Zora Zimmer' }).count()) === 1
      })
    }
    await suggest()
    await until(ann.page, 'it is kept', () =>
      ann.page.evaluate<boolean>(
        `caches.match('/mail/kept/contacts').then((found) => found?.text()).then((text) => text?.includes('zora') === true)`,
      ),
    )
    await house.jmap('ann@mail.test', [
      ['Email/set', { accountId: await house.accountId('ann@mail.test'), destroy: [id] }, '0'],
    ])
    await suggest()
    assertQuiet(ann)
  })
})
