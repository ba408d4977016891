// The form of a subject by which messages that name each other are told to be one conversation (RFC 8621 §3).
//
// Looser than the base subject of SORT and THREAD, which is the RFC's to the letter: mail programs in many languages write marks
// of their own for `Re:` and `Fwd:`, and re-wrap what they answer.
import { baseSubject } from './base-subject.ts'

const localMark =
  /^(?:antw|aw|wg|sv|vs|vb|vl|re|res|rif|rv|enc|tr|réf|ref|odp|pd|ynt|ilt|fs|fw|fwd|回复|答复|转发|回覆|轉寄)(?: *\[\d+\])? *[:：] */iu

/** Marks taken off one subject: each is a pass over it. */
const mostLocalMarks = 16

/** `subject` is a binary string as `Envelope.subject`; RFC 8621 §3 (2): "ignoring white space", and here case too. */
export function threadSubject(subject: string): string {
  let { text } = baseSubject(subject)
  for (let marks = 0; marks < mostLocalMarks; marks++) {
    const mark = localMark.exec(text)
    if (!mark) break
    text = baseSubject(text.slice(mark[0].length)).text
  }
  return text.normalize('NFC').replace(/\s+/gu, '').toLowerCase()
}
