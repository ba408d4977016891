// A test file of somebody else, as far as time is concerned: imports `posthorn/testing` from the package as npm installs it, starts a
// server, and has 200 inboxes wait for a message each at the same time. Prints milliseconds as one line of JSON.
import { connect } from 'node:net'

const inboxes = 200
const began = performance.now()
const { createPosthorn } = await import('posthorn/testing')
const imported = performance.now()
const mail = await createPosthorn()
const started = performance.now()

/** One message by SMTP, each command in one write with the next. */
function send(address, number) {
  return new Promise((resolve, reject) => {
    const socket = connect(mail.smtp.port, mail.smtp.host)
    let heard = ''
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1')
      if (/^354 /m.test(heard) && !heard.includes('over to you')) {
        heard += 'over to you'
        socket.write(`Subject: Number ${number}\r\n\r\nYour code is ${100_000 + number}.\r\n.\r\nQUIT\r\n`)
      }
    })
    socket.on('close', resolve)
    socket.write(`EHLO client.test\r\nMAIL FROM:<a@client.test>\r\nRCPT TO:<${address}>\r\nDATA\r\n`)
  })
}

async function one(number) {
  const inbox = mail.inbox()
  const [letter] = await Promise.all([inbox.next({ subject: /Number/ }), send(inbox.address, number)])
  if (letter.subject !== `Number ${number}`) throw new Error('a message came to the wrong inbox')
}

await one(0)
const first = performance.now()
await Promise.all(Array.from({ length: inboxes }, (_, number) => one(number + 1)))
const all = performance.now()
await mail.close()
const again = performance.now()
await (await createPosthorn()).close()
process.stdout.write(
  JSON.stringify({
    'import, ms': imported - began,
    'start, ms': started - imported,
    'first message, ms': first - started,
    [`${inboxes} inboxes at once, ms`]: all - first,
    'a further start and stop, ms': performance.now() - again,
  }),
)
