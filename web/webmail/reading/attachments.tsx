// Files of a message: what a browser can show safely is shown (pictures, text, PDF in its own viewer), all can be saved.
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { formatFileName, formatSize, plural } from '../../shared/format.ts'
import type { BodyPart, FullEmail } from '../../shared/jmap/types.ts'
import { IconButton } from '../../shared/ui/button.tsx'
import { Dialog } from '../../shared/ui/dialog.tsx'
import { Icon, type IconName } from '../../shared/ui/icon.tsx'
import { Failed, Loading } from '../../shared/ui/states.tsx'
import { useWebmail } from '../context.ts'

type Kind = 'image' | 'text' | 'pdf' | 'other'

function kindOf({ type }: BodyPart): Kind {
  if (/^image\/(?:png|gif|jpe?g|webp|avif|bmp)$/i.test(type)) return 'image'
  if (/^(?:text\/(?:plain|csv|markdown|calendar)|application\/json)$/i.test(type)) return 'text'
  return type === 'application/pdf' ? 'pdf' : 'other'
}

const icons: Readonly<Record<Kind, IconName>> = { image: 'image', text: 'file', pdf: 'file', other: 'file' }

export function Attachments({ email }: { email: FullEmail }): JSX.Element | null {
  const shown = useSignal<BodyPart | null>(null)
  const files = email.attachments.filter((part) => part.disposition === 'attachment' || part.cid === null)
  if (files.length === 0) return null
  return (
    <section class="attachments" aria-label="Attachments">
      <h3 class="small soft">
        {plural(files.length, 'file')}, {formatSize(files.reduce((sum, { size }) => sum + size, 0))}
      </h3>
      <ul role="list" class="attachment-list">
        {files.map((part) => (
          <File key={part.partId ?? part.blobId} part={part} onShow={() => (shown.value = part)} />
        ))}
      </ul>
      {shown.value === null ? null : <Preview part={shown.value} onClose={() => (shown.value = null)} />}
    </section>
  )
}

function File({ part, onShow }: { part: BodyPart; onShow: () => void }): JSX.Element {
  const { client } = useWebmail()
  const name = formatFileName(part.name ?? 'unnamed')
  const kind = kindOf(part)
  const url = client.downloadUrl(part.blobId ?? '', name, part.type)
  const about = (
    <>
      <Icon name={icons[kind]} />
      <span class="attachment-name">
        <span class="cut">{name}</span>
        <span class="faint tiny">{formatSize(part.size)}</span>
      </span>
    </>
  )
  return (
    <li class="attachment">
      {kind === 'other' ? (
        <a class="attachment-open" href={url} download={name}>
          {about}
        </a>
      ) : (
        <button type="button" class="attachment-open" onClick={onShow}>
          {about}
        </button>
      )}
      <a
        class="btn btn-quiet btn-icon btn-small"
        href={url}
        download={name}
        aria-label={`Save ${name}`}
        data-tip="Save"
      >
        <Icon name="download" />
      </a>
    </li>
  )
}

function useBlob(part: BodyPart): { url: string | null; text: string | null; error: string | null } {
  const { client } = useWebmail()
  const url = useSignal<string | null>(null)
  const text = useSignal<string | null>(null)
  const error = useSignal<string | null>(null)
  useEffect(() => {
    let made: string | null = null
    const load = async (): Promise<void> => {
      const blob = await client.download(part.blobId ?? '', part.type)
      if (kindOf(part) === 'text') text.value = await blob.slice(0, 500_000).text()
      else url.value = made = URL.createObjectURL(new Blob([blob], { type: part.type }))
    }
    load().catch(
      (failure: unknown) => (error.value = failure instanceof Error ? failure.message : String(failure)),
    )
    return () => {
      if (made !== null) URL.revokeObjectURL(made)
    }
  }, [part.blobId])
  return { url: url.value, text: text.value, error: error.value }
}

function Preview({ part, onClose }: { part: BodyPart; onClose: () => void }): JSX.Element {
  const { url, text, error } = useBlob(part)
  const { client } = useWebmail()
  const name = formatFileName(part.name ?? 'unnamed')
  return (
    <Dialog
      title={name}
      wide
      onClose={onClose}
      foot={
        <>
          <span class="faint small">{formatSize(part.size)}</span>
          <span class="grow" />
          <a
            class="btn btn-primary"
            href={client.downloadUrl(part.blobId ?? '', name, part.type)}
            download={name}
          >
            <Icon name="download" /> Save
          </a>
        </>
      }
    >
      {error !== null ? <Failed title="It could not be loaded" reason={error} /> : null}
      {url === null && text === null && error === null ? <Loading /> : null}
      {text === null ? null : <pre class="preview-text">{text}</pre>}
      {url === null ? null : kindOf(part) === 'image' ? (
        <img class="preview-image" src={url} alt={name} />
      ) : (
        <iframe class="preview-frame" src={url} title={name} />
      )}
    </Dialog>
  )
}

/** A row of the composer's files. */
export function FileChip(props: {
  name: string
  size: number
  progress: number | null
  onRemove: () => void
}): JSX.Element {
  return (
    <li class="attachment">
      <span class="attachment-open">
        <Icon name="file" />
        <span class="attachment-name">
          <span class="cut">{props.name}</span>
          {props.progress === null ? (
            <span class="faint tiny">{formatSize(props.size)}</span>
          ) : (
            <progress
              class="progress"
              max={1}
              value={props.progress}
              aria-label={`Uploading ${props.name}`}
            />
          )}
        </span>
      </span>
      <IconButton size="small" icon="close" label={`Remove ${props.name}`} onClick={props.onRemove} />
    </li>
  )
}
