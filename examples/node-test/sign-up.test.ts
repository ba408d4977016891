import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createPosthorn, expectMail } from 'posthorn/testing'
import { signUp } from '../app/sign-up.ts'

// One server for all tests of a file, or of many.
const mail = await createPosthorn()
after(() => mail.close())

test('whoever signs up gets a code and a link', async () => {
  // An address that no other test has.
  const ann = mail.inbox()
  await signUp(ann.address, mail.smtp)
  // Resolves when the message arrives; a time-out says what came instead.
  const letter = await ann.next({ subject: /code/ })
  const [code] = letter.codes()
  assert.match(code ?? '', /^\d{6}$/)
  expectMail(letter).toHaveLink(`https://shop.example/confirm?code=${code}`)
  expectMail(letter).toBeFrom('hello@shop.example')
  expectMail(letter).toHaveOneClickUnsubscribe()
  await ann.none()
})

test('a hundred people sign up at once, and each sees his own mail alone', async () => {
  const people = Array.from({ length: 100 }, () => mail.inbox())
  await Promise.all(people.map(({ address }) => signUp(address, mail.smtp)))
  for (const person of people) {
    await person.next()
    assert.equal((await person.all()).length, 1)
  }
})
