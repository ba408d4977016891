// Names of folders in files and on other servers, as names of mailboxes here: `/` between levels, Unicode in NFC, INBOX in
// capitals; what no mailbox can have in its name becomes `_`. And which names mean a special use where nothing else says so.
import { canonicalInbox, tryDecodeModifiedUtf7 } from '../imap/proto/grammar/mailbox.ts'
import type { SpecialUse } from '../store/model.ts'

/** RFC 3501 §5.1.3 where it is in that encoding, else as it stands (UTF-8). */
export function decodeLevel(text: string): string {
  return (/^[\x20-\x7e]*$/.test(text) ? tryDecodeModifiedUtf7(text) : undefined) ?? text
}

const longestLevels = 40
/** Octets of UTF-8: what `imap.mailboxName` allows by default, less room for a prefix. */
const longestName = 400

/** A name of these levels; INBOX for none. */
export function mailboxName(levels: readonly string[]): string {
  const clean = levels
    .map((level) =>
      level
        .normalize('NFC')
        .toWellFormed()
        .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029*%/]/g, '_')
        .trim(),
    )
    .filter((level) => level !== '')
    .slice(0, longestLevels)
  if (clean.length === 0) return 'INBOX'
  let name = canonicalInbox(clean.join('/'))
  while (Buffer.byteLength(name) > longestName) name = Array.from(name).slice(0, -1).join('')
  return name.endsWith('/') ? name.slice(0, -1) : name
}

const meanings: readonly (readonly [SpecialUse, RegExp])[] = [
  [
    'sent',
    /^(?:sent(?: (?:items|messages|mail))?|sent-mail|gesendet(?:e (?:objekte|elemente|nachrichten))?|éléments envoyés|envoyés|enviados|posta inviata|verzonden(?: items)?)$/i,
  ],
  ['drafts', /^(?:drafts?|entwürfe|brouillons|borradores|bozze|concepten|rascunhos)$/i],
  [
    'junk',
    /^(?:junk(?: e-?mail)?|spam|bulk mail|junk-e-mail|indésirables|courrier indésirable|correo no deseado|ongewenst)$/i,
  ],
  [
    'trash',
    /^(?:trash|deleted(?: (?:items|messages))?|papierkorb|gelöschte (?:objekte|elemente)|corbeille|papelera|cestino|prullenbak|bin)$/i,
  ],
  ['archive', /^(?:archives?|archiv)$/i],
]

/** What a name says of its use: only at the top, or below INBOX. */
export function guessSpecialUse(name: string): SpecialUse | null {
  const top = name.startsWith('INBOX/') ? name.slice('INBOX/'.length) : name
  return meanings.find(([, pattern]) => pattern.test(top))?.[0] ?? null
}

/** Whether a folder is named by patterns in which `*` is any text; case does not count. A name covers what is below it. */
export function isNamed(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const plain = pattern.replace(/\/$/, '')
    const source = plain
      .split('*')
      .map((part) => RegExp.escape(part))
      .join('[^\\n]*')
    return new RegExp(`^${source}(?:/.*)?$`, 'iu').test(name)
  })
}
