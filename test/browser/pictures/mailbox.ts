// What stands in Anna's mailbox in the pictures of the documentation: a day of somebody who plays in a brass band.
import MailComposer from 'nodemailer/lib/mail-composer/index.js'
import type Mail from 'nodemailer/lib/mailer/index.js'
import type { House } from '../harness.ts'

export const anna = 'anna@mail.test'

/** A message, the minutes since it came, and where it is. */
interface Letter extends Mail.Options {
  readonly ago: number
  readonly role?: string
  readonly keywords?: readonly string[]
}

const hour = 60
const day = 24 * hour
const read = ['$seen']
const band = 'Brass band <band@mail.test>, Anna Berg <anna@mail.test>'
const rehearsal = 'Rehearsal on Thursday moves to the town hall'

const sea = `<html><body bgcolor="#eef3f5" style="margin:0"><table width="100%" cellpadding="0" cellspacing="0"><tr><td align="center">
<table width="600" style="font-family:Georgia,serif;color:#22333b;background:#fff">
<tr><td style="background:#22475a;color:#fff;padding:36px 40px"><div style="font-size:13px;letter-spacing:2px">HARBOUR PRESS</div>
<div style="font-size:34px;line-height:1.15;padding-top:10px">Twelve books<br>about the sea</div></td></tr>
<tr><td style="padding:28px 40px;font-size:17px;line-height:1.6">Dear Anna,<br><br>the evenings are long again, and our printers have been busy. This season we
sail from Bergen to Valparaíso, by way of a lighthouse that nobody has lit since 1931.<br><br>
<img src="https://images.harbour-press.test/cover.jpg" width="520" height="180" alt="Covers of the autumn list"><br><br>
<a href="https://harbour-press.test/list" style="background:#d9722b;color:#fff;padding:12px 22px;text-decoration:none;border-radius:4px">See the whole list</a></td></tr>
<tr><td style="padding:18px 40px;font-size:13px;color:#6b7c85;border-top:1px solid #dde5e8">You get this because you asked for it.</td></tr></table></td></tr></table></body></html>`

/** Whatever is older: one a day. */
const older: readonly (readonly [from: string, subject: string, text: string])[] = [
  [
    'Nils Aalto <nils@aalto.test>',
    'Minutes of the meeting',
    'Nobody was against the new stands. The minutes are below.',
  ],
  [
    'Marta Oliveira <marta@oliveira.test>',
    'Photos from Sunday',
    'The one with the tuba in the lake came out well.',
  ],
  [
    'Tomás Ruiz <tomas@ruiz.test>',
    'Recipe, as promised',
    'Leave the onions alone for an hour, the rest is easy.',
  ],
  [
    'Library <desk@library.test>',
    'Loan is due next week',
    'Three books are due on Friday. You can renew two of them.',
  ],
  ['Tomás Ruiz <tomas@ruiz.test>', 'Re: boat trailer', 'It fits, with a hand’s breadth to spare.'],
  [
    'Nils Aalto <nils@aalto.test>',
    'Quarterly figures',
    'The hall costs more, the concerts brought more too.',
  ],
]

const letters: readonly Letter[] = [
  ...Array.from({ length: 40 }, (_, index): Letter => {
    const [from = '', subject = '', text = ''] = older[index % older.length] ?? []
    return { ago: (3 + index) * day + index * 37, keywords: read, from, subject, text: `${text}\n\nBest\n` }
  }),
  {
    ...{ ago: 26 * hour, keywords: read, from: 'Harbour Press <news@harbour-press.test>' },
    subject: 'Autumn list: twelve books about the sea',
    text: 'Twelve new books about the sea.\n',
    html: sea,
  },
  {
    ...{ ago: 30 * hour, keywords: read, from: 'Jonas Lindqvist <jonas@lindqvist.test>', to: band },
    subject: rehearsal,
    messageId: '<hall.1@lindqvist.test>',
    text: 'Hi all,\n\nthe school needs its gym on Thursday, so we play in the town hall instead. Doors at 18:30, we start at 19:00 sharp.\n\nBring stands, there are none.\n\nJonas\n',
  },
  {
    ...{ ago: 9 * hour, keywords: read, from: 'Mei Tanaka <mei@tanaka.test>', to: band },
    ...{ subject: `Re: ${rehearsal}`, messageId: '<hall.2@tanaka.test>' },
    ...{ inReplyTo: '<hall.1@lindqvist.test>', references: '<hall.1@lindqvist.test>' },
    text: 'I can take two in the car from the station, tell me until Wednesday.\n\nMei\n\n> Hi all,\n>\n> the school needs its gym on Thursday, so we play in the town hall instead.\n> Bring stands, there are none.\n',
  },
  {
    ...{ ago: 25, keywords: read, from: 'Jonas Lindqvist <jonas@lindqvist.test>' },
    subject: `Re: ${rehearsal}`,
    ...{ inReplyTo: '<hall.2@tanaka.test>', references: '<hall.1@lindqvist.test> <hall.2@tanaka.test>' },
    text: 'Thank you Mei. Anna, could you bring the parts for the second half? I have put the new arrangement in the attachment, letter D is the hard one: https://band.test/scores/posthorn-galop\n\nSee you there\nJonas\n',
    attachments: [
      { filename: 'posthorn-galop.pdf', contentType: 'application/pdf', content: 'x'.repeat(182_000) },
      { filename: 'seats.csv', contentType: 'text/csv', content: 'row,seats\nA,24\n' },
    ],
  },
  {
    ...{ ago: 48, keywords: ['$flagged', 'travel'], from: 'Priya Raman <priya@raman.test>' },
    subject: 'Night train to Vienna, 12 December',
    text: 'The compartment for two is still free. Shall I book it? The fare goes up on Friday.\n\nPriya\n',
  },
  {
    ...{ ago: 4 * hour, from: 'Stadtwerke <rechnung@stadtwerke.test>', subject: 'Your bill for October' },
    text: 'Dear customer,\n\nyour bill is attached. We debit 64.20 on 1 December.\n\nStadtwerke\n',
    attachments: [
      { filename: 'bill-2026-10.pdf', contentType: 'application/pdf', content: 'x'.repeat(90_000) },
    ],
  },
  {
    ...{ ago: 7 * hour, keywords: ['$seen', 'work'], from: 'Olu Adeyemi <olu@adeyemi.test>' },
    subject: 'Draft of the talk',
    text: 'Anna, here is the draft. The middle part is too long and I do not know what to cut. Would you read it before Tuesday?\n\nOlu\n',
  },
  {
    ...{ ago: 12, from: 'Bob Carter <bob@mail.test>', subject: 'Lunch?' },
    text: 'Are you in town today? The place at the corner has soup again.\n\nBob\n',
  },
  {
    ...{ ago: 40, role: 'sent', keywords: read, from: 'Anna Berg <anna@mail.test>' },
    ...{ to: 'Priya Raman <priya@raman.test>', subject: 'Re: Night train to Vienna, 12 December' },
    text: 'Yes please, book it!\n',
  },
  {
    ...{ ago: 3 * hour, role: 'junk', from: 'Casino <win@casino.test>', subject: 'You have WON' },
    text: 'Click\n',
  },
]

/** Fills the mailbox, and makes the folders. */
export async function fillMailbox(house: House, password: string): Promise<void> {
  await house.posthorn.backend.operations.run('account.add', { address: anna, password })
  const accountId = await house.accountId(anna)
  const folders = {
    ...{ projects: { name: 'Projects' }, receipts: { name: 'Receipts' }, travel: { name: 'Travel' } },
    ...{
      band: { name: 'Brass band', parentId: '#projects' },
      garden: { name: 'Garden', parentId: '#projects' },
    },
  }
  await house.jmap(anna, [['Mailbox/set', { accountId, create: folders }, '0']])
  for (const { ago, role = 'inbox', keywords = [], ...letter } of letters) {
    const receivedAt = new Date(Date.now() - ago * 60_000)
    const made = new MailComposer({ to: 'Anna Berg <anna@mail.test>', ...letter, date: receivedAt })
    const message = (await made.compile().build()).toString()
    await house.put(anna, message, { role, keywords, receivedAt })
  }
}
