// What a message is made of: attachments with previews, and its MIME tree.
import type { JSX } from 'preact'
import { formatFileName, formatSize } from '../shared/format.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Icon } from '../shared/ui/icon.tsx'
import { apiPath, type Detail } from './state.ts'

type Part = Detail['parts'][number]
type Node = Detail['structure']

function Attachment({ id, part }: { id: string; part: Part }): JSX.Element {
  const { partId, contentType, size, place, sha256, contentId } = part
  const fileName = formatFileName(part.fileName)
  const href = apiPath(`/messages/${id}/parts/${partId}`)
  return (
    <li class="part card">
      <a
        href={href}
        target="_blank"
        rel="noopener"
        class="part-picture"
        // The name beside it leads to the same place.
        aria-hidden="true"
        tabIndex={-1}
      >
        {contentType.startsWith('image/') ? (
          <img src={`${href}/thumbnail`} alt="" loading="lazy" />
        ) : (
          <Icon name="file" />
        )}
      </a>
      <div class="grow stack stack-s">
        <a href={href} target="_blank" rel="noopener" class="cut">
          {fileName || `(no name, part ${partId})`}
        </a>
        <span class="soft small">
          {contentType}, {formatSize(size)} {place === 'inline' ? <Badge>inline</Badge> : null}
        </span>
        {contentId === '' ? null : <span class="faint tiny mono cut">cid:{contentId}</span>}
        <span class="faint tiny mono cut" title={sha256}>
          SHA-256 {sha256}
        </span>
      </div>
      <a
        class="btn btn-icon btn-quiet"
        href={href}
        download={fileName || `part-${partId}`}
        aria-label={`Download ${fileName || partId}`}
      >
        <Icon name="download" />
      </a>
    </li>
  )
}

function Tree({ node }: { node: Node }): JSX.Element {
  const { partId, contentType, encoding, size, parts } = node
  const fileName = formatFileName(node.fileName)
  return (
    <li>
      <span class="mono">{contentType}</span>{' '}
      <span class="faint small">
        {partId === '0' ? '' : `part ${partId}, `}
        {encoding}, {formatSize(size)}
        {fileName === '' ? '' : `, ${fileName}`}
      </span>
      {parts.length > 0 ? (
        <ul class="tree">
          {parts.map((child) => (
            <Tree key={child.partId} node={child} />
          ))}
        </ul>
      ) : null}
    </li>
  )
}

export function Parts({ message }: { message: Detail }): JSX.Element {
  const { id, parts, structure } = message
  return (
    <div class="stack">
      {parts.length === 0 ? (
        <p class="soft">It has no attachments.</p>
      ) : (
        <ul class="parts">
          {parts.map((part) => (
            <Attachment key={part.partId} id={id} part={part} />
          ))}
        </ul>
      )}
      <h2>Structure</h2>
      <ul class="tree">
        <Tree node={structure} />
      </ul>
    </div>
  )
}
