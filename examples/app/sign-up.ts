// The program under test: it knows nothing of Posthorn, but where its mail goes.
import { createTransport } from 'nodemailer'

export interface Mailer {
  readonly host: string
  readonly port: number
}

/** Sends a code to the address, with a link and a way out. */
export async function signUp(email: string, mailer: Mailer): Promise<void> {
  const code = String(Math.floor(Math.random() * 1_000_000)).padStart(6, '0')
  const link = `https://shop.example/confirm?code=${code}`
  const transport = createTransport({ ...mailer, ignoreTLS: true })
  await transport.sendMail({
    from: 'The Shop <hello@shop.example>',
    to: email,
    subject: `Your code is ${code}`,
    text: `Welcome! Your code is ${code}. Or go to ${link}`,
    html: `<p>Welcome! Your code is <b>${code}</b>. Or <a href="${link}">confirm at once</a>.</p>`,
    list: { unsubscribe: { url: `https://shop.example/leave?code=${code}` } },
    headers: { 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' },
  })
}
