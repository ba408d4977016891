// The corpus of ordinary messages, walked by us and parsed by postal-mime: both must find the same things.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import PostalMime from 'postal-mime'
import { feedEveryWay } from '../../../test/support/feed.ts'
import type { EnvelopeAddress } from '../address-list.ts'
import { decodeCharset } from '../charset.ts'
import { displayText } from '../encoded-word.ts'
import { attachmentName, parameter } from '../parameters.ts'
import { decodeTransfer } from '../transfer.ts'
import type { Part } from './structure.ts'
import { MimeWalker } from './walker.ts'

const corpus = new URL('../../../test/corpora/mime/', import.meta.url)
const names = readdirSync(corpus).filter((name) => name.endsWith('.eml'))

/** Parts without children, those of messages inside left out, as postal-mime does when asked to. */
function leaves(part: Part): Part[] {
  return part.parts.length === 0 ? [part] : part.parts.flatMap(leaves)
}

function content(bytes: Uint8Array, part: Part): Uint8Array {
  return decodeTransfer(bytes.subarray(part.bodyStart, part.bodyEnd), part.encoding)
}

function flatten(list: readonly EnvelopeAddress[] | null): [string, string][] {
  const mailboxes = (list ?? []).filter(({ mailbox, host }) => mailbox !== null && host !== null)
  return mailboxes.map(({ name, mailbox, host }) => [displayText(name ?? ''), `${mailbox}@${host}`])
}

type PostalAddress = { name: string; address?: string | undefined; group?: PostalAddress[] | undefined }

function flattenPostal(list: readonly PostalAddress[]): [string, string][] {
  return list.flatMap((entry) =>
    entry.group === undefined ? [[entry.name, entry.address ?? '']] : flattenPostal(entry.group),
  )
}

/** postal-mime turns CRLF into LF and ends each text with one more. */
function normal(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .replace(/\n{2,}/g, '\n')
    .trimEnd()
}

/** Octets as they are, but line ends of a message alike on both sides. */
function comparable(bytes: Uint8Array, isMessage: boolean): string {
  const binary = Buffer.from(bytes).toString('latin1')
  return isMessage ? normal(binary) : binary
}

for (const name of names) {
  test(`${name} is read as postal-mime reads it`, async () => {
    const bytes = readFileSync(new URL(name, corpus))
    const ours = feedEveryWay(bytes, (chunks) => {
      const walker = new MimeWalker()
      for (const chunk of chunks) walker.push(chunk)
      return walker.finish()
    })
    const theirs = await PostalMime.parse(bytes, { rfc822Attachments: true })
    assert.equal(displayText(ours.envelope.subject ?? ''), theirs.subject)
    assert.equal(ours.envelope.messageId, theirs.messageId)
    assert.deepEqual(
      flatten(ours.envelope.from),
      flattenPostal(theirs.from === undefined ? [] : [theirs.from]),
    )
    assert.deepEqual(flatten(ours.envelope.to), flattenPostal(theirs.to ?? []))

    const parts = leaves(ours.root)
    const texts = parts.filter((part) => part.type === 'text' && part.disposition?.type !== 'attachment')
    for (const [subtype, text] of [
      ['plain', theirs.text],
      ['html', theirs.html],
    ] as const) {
      const same = texts.filter((part) => part.subtype === subtype)
      // postal-mime makes text out of HTML and the reverse where only one is there: nothing to compare with.
      if (same.length === 0) continue
      const decoded = same.map((part) =>
        decodeCharset(content(bytes, part), parameter(part.parameters, 'charset') ?? null),
      )
      assert.equal(normal(decoded.join('\r\n')), normal(text ?? ''), subtype)
    }
    const attached = parts.filter((part) => !texts.includes(part))
    assert.deepEqual(
      attached.map((part) => [
        attachmentName(part, part.disposition),
        comparable(content(bytes, part), part.type === 'message'),
      ]),
      theirs.attachments.map(({ filename, mimeType, content: found }) => [
        filename,
        comparable(
          typeof found === 'string' ? Buffer.from(found) : new Uint8Array(found),
          mimeType === 'message/rfc822',
        ),
      ]),
    )
    assert.notEqual(ours.preview, '')
  })
}
