// The SMTP transcripts against the server on a network in memory: with segments as they are sent, and cut at random.
import { SmtpHost } from '../../support/smtp-host.ts'
import { testTranscripts } from '../../support/transcript.ts'

const folder = new URL('.', import.meta.url)

testTranscripts({ folder, against: 'memory', open: () => Promise.resolve(new SmtpHost()) })
testTranscripts({
  folder,
  against: 'memory, cut',
  open: () => Promise.resolve(new SmtpHost({ segments: 'cut' })),
})
