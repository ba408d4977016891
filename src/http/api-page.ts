// `/api/`: the OpenAPI document as a page that a person can read, with nothing loaded from anywhere.
import { createHash } from 'node:crypto'

interface Operation {
  readonly summary?: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: unknown }>> }
  readonly responses?: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: unknown }>> }>
  >
}

const style = `
:root { color-scheme: light dark; --line: light-dark(#e3dccb, #2f2b24); --soft: light-dark(#575144, #bdb5a4) }
body { font: 15px/1.55 system-ui, sans-serif; max-width: 66rem; margin: 2.5rem auto; padding: 0 1.25rem;
  background: light-dark(#fbf9f3, #1a1815); color: light-dark(#1f1c15, #f1ece0) }
h1, h2 { font-family: ui-serif, Georgia, serif; font-weight: 500 } h1 { font-size: 1.9rem; margin-bottom: 0 } h2 { font-size: 1.3rem; margin: 2.2rem 0 .5rem }
a { color: light-dark(#1c4f8f, #8fb8ec) } p { margin: .3rem 0 1rem } code, pre { font: 13px/1.6 ui-monospace, monospace; overflow-wrap: anywhere }
details { border-top: 1px solid var(--line) } details:last-of-type { border-bottom: 1px solid var(--line) }
summary { padding: .5rem 0; cursor: pointer; display: grid; grid-template-columns: 4rem minmax(0, 24rem) minmax(0, 1fr); gap: 0 1rem }
summary b { font: 600 12px/1.75 ui-monospace, monospace; color: light-dark(#6f4e00, #f7cd5c) } summary span { color: var(--soft) }
pre { background: light-dark(#ece6d8, #0d0c0a); padding: .75rem 1rem; overflow: auto; border-radius: 7px }
@media (max-width: 46rem) { summary { grid-template-columns: 4rem minmax(0, 1fr) } summary span { grid-column: 2 } }
`

const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** `documents`: OpenAPI 3.1, by where each of them is, below `/api/`; ours. */
export function apiPage(documents: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Response {
  const groups = new Map<string, string[]>()
  for (const [path, methods] of Object.values(documents).flatMap(pathsOf)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (method === 'parameters') continue
      const group = operation.tags?.[0] ?? 'Mail'
      groups.set(group, [...(groups.get(group) ?? []), entry(path, method, operation)])
    }
  }
  const sections = [...groups].map(([name, entries]) => `<h2>${escaped(name)}</h2>\n${entries.join('\n')}`)
  // Relative: a proxy may have put us below a path.
  const links = Object.keys(documents)
    .map((place) => `<a href="${escaped(place.replace('/api/', ''))}">${escaped(place)}</a>`)
    .join(', ')
  const body = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Posthorn: the HTTP API</title>
<style>${style}</style>
<h1>The HTTP API</h1>
<p>For programs: ${links} (OpenAPI 3.1). Refusals are <code>application/problem+json</code>.</p>
${sections.join('\n')}
</html>
`
  return new Response(body, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'content-security-policy': policy,
      'referrer-policy': 'no-referrer',
    },
  })
}

type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>

function pathsOf(document: Readonly<Record<string, unknown>>): [path: string, Paths[string]][] {
  // The document is of our own making.
  return Object.entries(document['paths'] as Paths)
}

function entry(
  path: string,
  method: string,
  { summary = '', description = '', requestBody, responses = {} }: Operation,
): string {
  const request = requestBody?.content?.['application/json']?.schema
  const good = Object.entries(responses).find(([status]) => status.startsWith('2'))
  const answer = good?.[1].content?.['application/json']?.schema
  const shown = (title: string, schema: unknown): string =>
    schema === undefined ? '' : `<p>${title}</p><pre>${escaped(JSON.stringify(schema, null, 2))}</pre>`
  const about = description === '' ? '' : `<p>${escaped(description)}</p>`
  return `<details><summary><b>${method.toUpperCase()}</b> <code>${escaped(path)}</code> <span>${escaped(summary)}</span></summary>
${about}${shown('Request', request)}${shown(`Answer ${good?.[0] ?? ''}`, answer)}</details>`
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
