// Plain text as people write it: lines kept, links made, quotes folded away until asked for, format=flowed already joined by the server's
// decoding where it was. Linear in its length.
import type { ComponentChildren, JSX } from 'preact'
import { useSignal } from '@preact/signals'

interface Block {
  readonly quoted: boolean
  readonly text: string
}

const linkPattern =
  /\bhttps?:\/\/[^\s<>"]{1,2000}|\b[\w.+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}\b/gi

/** The text with its links. */
export function linkify(text: string): ComponentChildren[] {
  const parts: ComponentChildren[] = []
  let at = 0
  for (const match of text.matchAll(linkPattern)) {
    const url = match[0].replace(/[.,;:!?')\]]+$/, '')
    parts.push(text.slice(at, match.index))
    const mail = !/^https?:/i.test(url)
    parts.push(
      <a href={mail ? `mailto:${url}` : url} target="_blank" rel="noopener noreferrer nofollow">
        {url}
      </a>,
    )
    at = match.index + url.length
  }
  parts.push(text.slice(at))
  return parts
}

function blocksOf(text: string): Block[] {
  const blocks: { quoted: boolean; lines: string[] }[] = []
  for (const line of text.replaceAll('\r\n', '\n').split('\n')) {
    const quoted = line.startsWith('>')
    const last = blocks.at(-1)
    // An empty line between two quotes belongs to them.
    if (last !== undefined && (last.quoted === quoted || (line === '' && last.quoted))) last.lines.push(line)
    else blocks.push({ quoted, lines: [line] })
  }
  return blocks.map(({ quoted, lines }) => ({ quoted, text: lines.join('\n') }))
}

/** Quotes of more than a few lines begin folded. */
function Quote({ text }: { text: string }): JSX.Element {
  const lines = text.split('\n').length
  const open = useSignal(lines <= 4)
  if (open.value) return <blockquote class="text-quote">{linkify(text.replaceAll(/^> ?/gm, ''))}</blockquote>
  return (
    <button type="button" class="quote-toggle" aria-expanded={false} onClick={() => (open.value = true)}>
      ··· {lines} quoted lines
    </button>
  )
}

export function PlainText({ text }: { text: string }): JSX.Element {
  return (
    <div class="plain-text">
      {blocksOf(text).map((block, index) =>
        block.quoted ? <Quote key={index} text={block.text} /> : <p key={index}>{linkify(block.text)}</p>,
      )}
    </div>
  )
}
