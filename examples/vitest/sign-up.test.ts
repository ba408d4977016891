import { createPosthorn } from 'posthorn/testing'
import { afterAll, expect, test } from 'vitest'
import { signUp } from '../app/sign-up.ts'

const mail = await createPosthorn()
afterAll(() => mail.close())

test('whoever signs up gets a code and a link', async () => {
  const ann = mail.inbox()
  await signUp(ann.address, mail.smtp)
  const letter = await ann.next({ subject: /code/ })
  const [code] = letter.codes()
  expect(letter).toHaveLink(`https://shop.example/confirm?code=${code}`)
  expect(letter).toBeFrom(/shop\.example/)
  expect(letter).toHaveOneClickUnsubscribe()
  expect(letter).not.toHaveAttachment(/.*/)
})
