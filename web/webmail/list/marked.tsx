// A search snippet: text with `<mark>` alone in it (RFC 8621 §5). It is taken apart rather than trusted.
import type { ComponentChildren, JSX } from 'preact'

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  '#x27': "'",
}

function unescape(text: string): string {
  return text.replaceAll(/&([a-z]+|#\w+);/g, (whole, name: string) => entities[name] ?? whole)
}

export function Marked({ html }: { html: string }): JSX.Element {
  const parts: ComponentChildren[] = html
    .split(/(<mark>[^<]*<\/mark>)/)
    .map((part) =>
      part.startsWith('<mark>') ? (
        <mark>{unescape(part.slice(6, -7))}</mark>
      ) : (
        unescape(part.replaceAll(/<[^>]*>/g, ''))
      ),
    )
  return <>{parts}</>
}
