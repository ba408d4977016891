// Mail as the programs of a small shop send it: what the tests of pages look at, and what the pictures in docs/ show.
import nodemailer from 'nodemailer'
import type Mail from 'nodemailer/lib/mailer/index.js'

const shop = 'Larkspur & Co <hello@larkspur.example>'

const page = (title: string, body: string): string => `<!doctype html>
<html><head><style>
  @media (prefers-color-scheme: dark) { .card { background: #222 } }
  .button { display: inline-block; border-radius: 6px }
</style></head>
<body style="margin:0;background:#f3efe6;font-family:Georgia,serif;color:#2b2a27">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:32px 12px">
<table role="presentation" width="560" cellpadding="0" cellspacing="0" class="card" style="max-width:560px;background:#fffdf8;border:1px solid #e2dac8;border-radius:10px">
<tr><td style="padding:28px 36px 8px;font-size:13px;letter-spacing:3px;color:#8a7d5c">LARKSPUR &amp; CO</td></tr>
<tr><td style="padding:0 36px"><h1 style="font-size:26px;font-weight:normal;margin:8px 0 16px">${title}</h1></td></tr>
<tr><td style="padding:0 36px 32px;font-size:16px;line-height:1.6">${body}</td></tr>
</table></td></tr></table></body></html>`

const button = (label: string, to: string): string =>
  `<p style="margin:24px 0"><a class="button" href="${to}" style="background:#2f5d50;color:#fff;text-decoration:none;padding:12px 26px;border-radius:6px">${label}</a></p>`

const row = (what: string, price: string): string =>
  `<tr><td style="padding:8px 0;border-bottom:1px solid #e2dac8">${what}</td><td align="right" style="border-bottom:1px solid #e2dac8">${price}</td></tr>`

/** A picture of one pixel. */
const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
)

/** HTML and text, a list-unsubscribe with one click, tags, a cid image, an attachment. */
export const order: Mail.Options = {
  from: shop,
  to: 'Ann Moreau <ann@example.org>',
  bcc: 'orders@larkspur.example',
  subject: 'Your order #2041 is on its way',
  headers: {
    'X-Tags': 'Orders',
    'List-Unsubscribe': '<https://larkspur.example/unsubscribe/2041>, <mailto:leave@larkspur.example>',
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
  },
  text: 'Hello Ann,\n\nyour order #2041 left our workshop this morning.\n\nTrack it: http://127.0.0.1:9/parcels/2041\n',
  html: page(
    'It left the workshop this morning',
    `<p>Hello Ann,</p><p>your parcel is with the carrier and should reach you on <b>Thursday</b>.</p>
    <table width="100%" cellpadding="0" cellspacing="0" style="font-size:15px">
    ${row('Linen apron, sage', '€ 48.00')}${row('Beeswax candles, 2 × 6', '€ 22.00')}${row('Postage', '€ 4.90')}
    <tr><td style="padding:8px 0"><b>Total</b></td><td align="right"><b>€ 74.90</b></td></tr></table>
    ${button('Follow the parcel', 'http://127.0.0.1:9/parcels/2041')}
    <p style="font-size:13px;color:#8a7d5c">Questions? Answer this mail. <img src="cid:leaf@larkspur.example" width="8" height="8" alt=""></p>`,
  ),
  attachments: [
    {
      filename: 'invoice-2041.pdf',
      contentType: 'application/pdf',
      content: Buffer.from('%PDF-1.4\n% a stand-in\n'),
    },
    { filename: 'leaf.png', cid: 'leaf@larkspur.example', content: pixel },
  ],
}

/** Older ones first; the order comes last. */
export const mailOfADay: readonly Mail.Options[] = [
  {
    from: 'Larkspur Reports <reports@larkspur.example>',
    to: 'team@larkspur.example',
    subject: 'Weekly numbers, week 47',
    text: 'Orders 318 (+6 %), returns 9, average basket € 61.20.\nThe whole report is attached.\n',
    attachments: [{ filename: 'week-47.csv', content: 'day,orders\nmon,41\ntue,52\n' }],
    headers: { 'X-Tags': 'Reports' },
  },
  {
    from: shop,
    to: 'Zoë Łukasik <zoe@example.net>',
    subject: 'Dziękujemy! Potwierdź swój adres ✉️',
    text: 'Cześć Zoë,\n\npotwierdź proszę swój adres: https://larkspur.example/confirm/8c1f\n',
    html: page(
      'Jeszcze jeden krok',
      `<p>Cześć Zoë,</p>${button('Potwierdź adres', 'https://larkspur.example/confirm/8c1f')}`,
    ),
    headers: { 'X-Tags': 'Sign-up' },
  },
  {
    from: 'Larkspur Security <security@larkspur.example>',
    to: 'ann@example.org',
    subject: '493 817 is your code',
    text: 'Your code is 493 817. It is good for ten minutes.\nIf you did not ask for it, ignore this mail.\n',
    headers: { 'X-Tags': 'Sign-in' },
  },
  {
    from: 'monitoring@larkspur.example',
    to: 'ops@larkspur.example',
    subject: '[resolved] checkout: p95 latency above 800 ms',
    text: 'Resolved after 14 minutes. Cause: the search index was being rebuilt.\n',
  },
  {
    from: shop,
    to: 'Ann Moreau <ann@example.org>, Ben Okafor <ben@example.org>, cleo@example.org',
    subject: 'Autumn catalogue: wool, walnut and warm light',
    text: 'Our autumn catalogue is here.\n',
    html: page(
      'Wool, walnut and warm light',
      `<p>Our autumn catalogue is here.</p>${button('Leaf through it', 'https://larkspur.example/autumn')}`,
    ),
    headers: { 'X-Tags': 'Newsletter' },
  },
  {
    from: 'Ben Okafor <ben@example.org>',
    to: 'hello@larkspur.example',
    subject: 'Re: Your candles',
    text: 'They smell wonderful. Do you also have them unscented?\n\n> Thank you for your order.\n',
  },
  order,
]

/** Hands them in, one after the other, as a program would. */
export async function sendMail(port: number, messages: readonly Mail.Options[]): Promise<void> {
  const transport = nodemailer.createTransport({
    host: '127.0.0.1',
    port,
    ignoreTLS: true,
    name: 'shop.example',
  })
  try {
    for (const message of messages) await transport.sendMail(message)
  } finally {
    transport.close()
  }
}
