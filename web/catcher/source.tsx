// A message as it stands: its header field by field, its octets, the HTML as text.
import type { JSX } from 'preact'
import type * as schema from '../../src/catcher/api/schema.ts'
import { api } from '../shared/api.ts'
import { formatSize } from '../shared/format.ts'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { copyText } from '../shared/ui/copy.ts'
import { readText, useFetched } from './fetched.ts'
import { Shown } from './shown.tsx'
import { apiPath } from './state.ts'

type Fields = (typeof schema.headerFields)['_output']

/** More than this is a download: a browser has to lay it out. */
const longestShown = 1_000_000

function Code({ text, name }: { text: string; name: string }): JSX.Element {
  return (
    <div class="source">
      <IconButton
        icon="copy"
        label={`Copy ${name}`}
        class="source-copy"
        onClick={() => void copyText(text)}
      />
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </div>
  )
}

export function Headers({ id }: { id: string }): JSX.Element {
  const fields = useFetched(id, () => api.get<Fields>(apiPath(`/messages/${id}/headers`)))
  return (
    <Shown of={fields.value}>
      {(value) => (
        <dl class="facts header-fields">
          {value.fields.map(({ name, value: text }, index) => (
            <div key={index} class="header-field">
              <dt class="mono">{name}</dt>
              <dd class="mono">{text}</dd>
            </div>
          ))}
        </dl>
      )}
    </Shown>
  )
}

export function Source({ id, size }: { id: string; size: number }): JSX.Element {
  const path = apiPath(`/messages/${id}/source`)
  const text = useFetched(id, () => (size > longestShown ? Promise.resolve('') : readText(path)))
  if (size > longestShown) {
    return (
      <p>
        <Button icon="download" onClick={() => (location.href = `${path}?download=1`)}>
          Download the source ({formatSize(size)})
        </Button>
      </p>
    )
  }
  return <Shown of={text.value}>{(value) => <Code text={value} name="the source" />}</Shown>
}

export function HtmlSource({ id }: { id: string }): JSX.Element {
  const text = useFetched(id, () => readText(apiPath(`/messages/${id}/html-source`)))
  return <Shown of={text.value}>{(value) => <Code text={value} name="the HTML" />}</Shown>
}
