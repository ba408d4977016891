const { createTransport } = require('nodemailer')
const { createPosthorn, NoMailError } = require('posthorn/testing')

let mail
beforeAll(async () => {
  mail = await createPosthorn()
})
afterAll(() => mail.close())

test('a letter that is late is waited for, and one that never comes is told of', async () => {
  const ann = mail.inbox()
  const transport = createTransport({ host: mail.smtp.host, port: mail.smtp.port, ignoreTLS: true })
  // The first attempt of whoever sends to ann is put off.
  mail.fail({ at: 'rcpt', recipient: ann.address, first: 1, reply: 450 })
  const letter = { from: 'hello@shop.example', to: ann.address, subject: 'Your order', text: 'Thank you' }
  await expect(transport.sendMail(letter)).rejects.toThrow(/450/)
  await transport.sendMail(letter)
  expect(await ann.next({ subject: /order/ })).toHaveSubject('Your order')
  await expect(ann.next({ subject: /bill/ }, { timeout: 50 })).rejects.toBeInstanceOf(NoMailError)
})
