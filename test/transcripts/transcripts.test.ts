// Every transcript, over every carrier: a bare connection in memory (whole segments, and segments cut and joined at random),
// TCP, and TLS from the first byte.
import { readdirSync } from 'node:fs'
import { type Carrier, PosthornHost } from '../support/posthorn-host.ts'
import { testTranscripts } from '../support/transcript.ts'

const carriers: readonly Carrier[] = ['memory', 'memory, cut', 'tcp', 'tls']

for (const protocol of ['smtp', 'pop3', 'imap']) {
  const folder = new URL(`${protocol}/`, import.meta.url)
  if (readdirSync(folder).length === 0) continue
  for (const carrier of carriers) {
    testTranscripts({
      folder,
      against: carrier,
      open: () => Promise.resolve(new PosthornHost({ carrier, usualPort: protocol })),
      // What a transcript says of STARTTLS and of passwords in the clear holds only without TLS.
      ...(carrier === 'tls' ? { skip: (text: string) => /starttls|stls|clear text/i.test(text) } : {}),
    })
  }
}
