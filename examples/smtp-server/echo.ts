// A server that sends every message back to whoever sent it, and a client that tries it.
import { text } from 'node:stream/consumers'
import { createTransport, SmtpRefusal, SmtpServer } from 'posthorn/smtp'

const arrived = Promise.withResolvers<string>()

await using answers = new SmtpServer({
  hideSTARTTLS: true,
  async onData(stream) {
    arrived.resolve(await text(stream))
    return 'Thank you'
  },
})
const { port: answersPort } = await answers.listen(0, '127.0.0.1')

await using echo = new SmtpServer({
  hideSTARTTLS: true,
  async onRcptTo({ address }) {
    if (!address.endsWith('@echo.example')) throw new SmtpRefusal(550, '5.7.1 We echo, and relay nothing')
  },
  async onData(stream, { envelope }) {
    const sender = envelope.mailFrom?.address ?? ''
    const raw = await text(stream)
    // RFC 3834 §2: nothing is answered that has no sender.
    if (sender !== '') {
      await using transport = createTransport({ host: '127.0.0.1', port: answersPort })
      await transport.sendMail({
        envelope: { from: '', to: sender },
        raw: `Auto-Submitted: auto-replied\r\n${raw}`,
      })
    }
    return 'Echoed'
  },
})
const { port } = await echo.listen(0, '127.0.0.1')

await using transport = createTransport({ host: '127.0.0.1', port })
const { response } = await transport.sendMail({
  from: 'ann@home.example',
  to: 'anyone@echo.example',
  subject: 'Hello, hello',
  text: 'Is anybody there?',
})
console.log(response)
console.log(
  (await arrived.promise)
    .split('\r\n')
    .filter((line) => /^(Subject|Auto-Submitted):/.test(line))
    .join('\n'),
)
