import { afterAll, expect, test } from '@jest/globals'
import { createPosthorn } from 'posthorn/testing'
import { createTransport } from 'nodemailer'

/** @type {Awaited<ReturnType<typeof createPosthorn>>} */
const mail = await createPosthorn()
afterAll(() => mail.close())

test('a letter has its subject, its link and its attachment', async () => {
  const ann = mail.inbox()
  const transport = createTransport({ ...mail.smtp, url: undefined, ignoreTLS: true })
  await transport.sendMail({
    from: 'hello@shop.example',
    to: ann.address,
    subject: 'Your bill',
    html: '<p><a href="https://shop.example/bills/7">Look</a></p>',
    attachments: [{ filename: 'bill.txt', content: '5 €' }],
  })
  const letter = await ann.next({ subject: /bill/ })
  expect(letter).toHaveSubject('Your bill')
  expect(letter).toHaveLink(/\/bills\/7$/)
  expect(letter).toHaveAttachment('bill.txt')
})
