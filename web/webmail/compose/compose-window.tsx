// A message being written. Ctrl+Enter sends, Escape closes and keeps the draft.
import type { JSX } from 'preact'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { formatDate } from '../../shared/format.ts'
import { textToHtml } from '../../shared/mail/html-text.ts'
import { EditorFrame, type EditorHandle } from '../../shared/mail/editor-frame.tsx'
import { Button, IconButton } from '../../shared/ui/button.tsx'
import { Icon } from '../../shared/ui/icon.tsx'
import { Menu } from '../../shared/ui/menu.tsx'
import { logInAgain } from '../../shared/ui/proof.tsx'
import { Notice } from '../../shared/ui/states.tsx'
import { toast, toastError } from '../../shared/ui/toast.tsx'
import { useWebmail } from '../context.ts'
import { FileChip } from '../reading/attachments.tsx'
import { readDataUrl } from '../reading/inline-parts.ts'
import type { Draft, DraftStart } from '../store/webmail.ts'
import { AddressInput } from './address-input.tsx'
import { filesOver } from './dragged-files.ts'
import { DraftMessage, undoSeconds } from './draft.ts'
import { ScheduleButton } from './schedule.tsx'

type Editor = { current: EditorHandle | null }

const titles: Readonly<Record<DraftStart['kind'], string>> = {
  new: 'New message',
  reply: 'Reply',
  forward: 'Forward',
  edit: 'Draft',
}
const statusWords = {
  new: '',
  changed: '',
  saving: 'Saving…',
  saved: 'Saved',
  failed: 'Not saved',
  sending: 'Sending…',
} as const

/** What is not saved is saved first; where that fails, the window stays, since nobody else has the text. */
async function closeDraft(draft: DraftMessage, onClose: () => void): Promise<void> {
  // Whether it arrives is not known yet.
  if (draft.status.value === 'sending') return
  if (draft.uploads.value.length > 0) {
    toast('A file is still being uploaded.')
    return
  }
  const unsaved = draft.status.value !== 'saved' && draft.status.value !== 'new'
  if (!(await draft.keep())) {
    toast('It could not be saved. Try again, or discard it.')
    return
  }
  if (unsaved && !draft.isEmpty) toast('Draft kept')
  onClose()
}

/** A page that goes to the background may never come back, and one that is closed asks where something would be lost. */
function useSavedOnLeave(draft: DraftMessage): void {
  useEffect(() => {
    const onHidden = (): void => {
      if (document.visibilityState === 'hidden' && draft.status.value === 'changed') void draft.save()
    }
    const onLeave = (event: BeforeUnloadEvent): void => {
      if (draft.status.value !== 'new' && draft.status.value !== 'saved' && !draft.isEmpty)
        event.preventDefault()
    }
    document.addEventListener('visibilitychange', onHidden)
    addEventListener('beforeunload', onLeave)
    return () => {
      document.removeEventListener('visibilitychange', onHidden)
      removeEventListener('beforeunload', onLeave)
    }
  }, [draft])
}

export function ComposeWindow({ opened }: { opened: Draft }): JSX.Element {
  const webmail = useWebmail()
  const { start, key, size } = opened
  const draft = useMemo(() => new DraftMessage(webmail, start), [start])
  const editor: Editor = useRef<EditorHandle>(null)
  draft.flush = () => editor.current?.flush() ?? Promise.resolve()
  useSavedOnLeave(draft)
  const onClose = (): void => webmail.closeDraft(key)
  const sending = draft.status.value === 'sending'
  const close = (): void => void closeDraft(draft, onClose)
  const send = (at: Date | null): void => void sendDraft(draft, at, onClose)
  const takeFiles = (files: readonly File[]): void => {
    for (const file of files) void takeFile(draft, file, editor)
  }
  return (
    <section
      class={`compose is-${size.value}`}
      role="dialog"
      aria-label={titles[start.kind]}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) send(null)
        else if (event.key === 'Escape' && !event.defaultPrevented) close()
        else return
        event.preventDefault()
        event.stopPropagation()
      }}
      onDragOver={(event) => {
        if (event.dataTransfer?.types.includes('Files') === true) event.preventDefault()
      }}
      onDrop={(event) => {
        event.preventDefault()
        if (!sending) takeFiles([...(event.dataTransfer?.files ?? [])])
      }}
    >
      <div class="compose-head">
        <h2 class="cut" onClick={() => size.value === 'small' && webmail.sizeDraft(opened, 'normal')}>
          {draft.subject.value === '' ? titles[start.kind] : draft.subject.value}
        </h2>
        <span class="faint small" role="status">
          {statusWords[draft.status.value]}
        </span>
        <IconButton
          class="only-desktop"
          size="small"
          icon={size.value === 'small' ? 'chevron-up' : 'minus'}
          label={size.value === 'small' ? 'Open' : 'Make small'}
          onClick={() => webmail.sizeDraft(opened, size.value === 'small' ? 'normal' : 'small')}
        />
        {size.value === 'small' ? null : (
          <IconButton
            class="only-desktop"
            size="small"
            icon="external"
            label={size.value === 'large' ? 'Normal size' : 'Make large'}
            onClick={() => webmail.sizeDraft(opened, size.value === 'large' ? 'normal' : 'large')}
          />
        )}
        <IconButton
          size="small"
          icon="close"
          label="Close and keep the draft"
          shortcut="Esc"
          disabled={sending}
          onClick={close}
        />
      </div>
      {webmail.client.expired.value ? <LoggedOut draft={draft} /> : null}
      <div class="compose-text" inert={sending}>
        <Fields
          draft={draft}
          onIdentity={() => editor.current?.send({ type: 'signature', html: draft.signature() })}
        />
        <Body draft={draft} editor={editor} send={() => send(null)} close={close} takeFiles={takeFiles} />
        <Files draft={draft} />
      </div>
      <Foot draft={draft} send={send} takeFiles={takeFiles} discard={onClose} />
      {filesOver.value && !sending ? (
        // Over the frame of the editor too, which would take them without a word.
        <div class="compose-drop">
          <Icon name="attach" /> Drop them here to add them
        </div>
      ) : null}
    </section>
  )
}

function LoggedOut({ draft }: { draft: DraftMessage }): JSX.Element {
  const logIn = async (): Promise<void> => {
    if (!(await logInAgain())) return
    await draft.save()
    void draft.webmail.store.refresh().catch(() => undefined)
  }
  return (
    <Notice
      tone="warn"
      actions={
        <Button size="small" onClick={() => void logIn()}>
          Log in
        </Button>
      }
    >
      You have been logged out. What you write stays here, and is saved once you have logged in again.
    </Notice>
  )
}

async function takeFile(draft: DraftMessage, file: File, editor: Editor): Promise<void> {
  try {
    if (
      /^image\/(?:png|gif|jpe?g|webp|avif)$/.test(file.type) &&
      !draft.plain.value &&
      file.size < 4_000_000
    ) {
      const url = await readDataUrl(file)
      await draft.attach(file, url)
      editor.current?.send({ type: 'image', url })
    } else await draft.attach(file)
  } catch (error) {
    toastError(error, `${file.name} was not added`)
  }
}

async function sendDraft(draft: DraftMessage, at: Date | null, onClose: () => void): Promise<void> {
  if (draft.status.value === 'sending') return
  const problem = draft.problem()
  if (problem !== null) {
    toast(problem, { tone: 'bad' })
    return
  }
  const { webmail } = draft
  try {
    const takeBack = await draft.send(at)
    onClose()
    void webmail.store.refresh().catch(() => undefined)
    const undo = (): void => {
      takeBack().then(
        (draftId) => {
          toast('Taken back: it is a draft again')
          webmail.compose({ ...restart(draft), draftId })
        },
        (error: unknown) => toastError(error, 'Too late'),
      )
    }
    const seconds = undoSeconds()
    const action =
      webmail.mayHold && (at !== null || seconds > 0)
        ? {
            action: { label: 'Undo', run: undo },
            stay: at === null ? seconds * 1000 - 500 : 10_000,
            expires: at === null,
          }
        : {}
    toast(at === null ? 'Sent' : `Goes out ${formatDate(at.getTime())}`, { key: 'undo', ...action })
  } catch (error) {
    toastError(error, 'Not sent')
  }
}

/** What is written on when a message was taken back, or was thrown away by mistake. */
function restart(draft: DraftMessage): DraftStart {
  const words = (people: readonly { name: string | null; email: string }[]): string =>
    people
      .map(({ name, email }) => (name === null ? email : `"${name.replaceAll('"', '')}" <${email}>`))
      .join(', ')
  const { inReplyTo, references, forwardedIds, original, kind, answers = kind } = draft.start
  return {
    answers,
    ...(original === undefined ? {} : { original }),
    ...(forwardedIds === undefined ? {} : { forwardedIds }),
    ...(inReplyTo === undefined ? {} : { inReplyTo }),
    ...(references === undefined ? {} : { references }),
    pictures: draft.contentIds,
    kind: 'edit',
    to: words(draft.to.value),
    cc: words(draft.cc.value),
    bcc: words(draft.bcc.value),
    subject: draft.subject.value,
    // Of plain text the editor's HTML knows only what was there before it became plain.
    html: draft.plain.value ? textToHtml(draft.text.value) : draft.html,
    plain: draft.plain.value,
    attachments: draft.files.value,
    identityId: draft.identityId.value,
  }
}

function Fields({ draft, onIdentity }: { draft: DraftMessage; onIdentity: () => void }): JSX.Element {
  const { identities } = draft.webmail
  const more = useSignal(draft.cc.value.length + draft.bcc.value.length > 0)
  const set = (field: DraftMessage['to']) => (people: DraftMessage['to']['value']) => {
    field.value = people
    draft.touch()
  }
  return (
    <div class="compose-fields">
      {identities.value.length < 2 ? null : (
        <div class="compose-line">
          <label class="compose-label" for="compose-from">
            From
          </label>
          <select
            id="compose-from"
            class="compose-select"
            value={draft.identityId.value}
            onChange={(event) => {
              draft.identityId.value = event.currentTarget.value
              onIdentity()
              draft.touch()
            }}
          >
            {identities.value.map(({ id, name, email }) => (
              <option key={id} value={id}>
                {name === '' ? email : `${name} <${email}>`}
              </option>
            ))}
          </select>
        </div>
      )}
      <AddressInput
        label="To"
        people={draft.to.value}
        onChange={set(draft.to)}
        autofocus={draft.start.kind === 'new' || draft.start.kind === 'forward'}
        end={
          more.value ? null : (
            <button type="button" class="compose-more small" onClick={() => (more.value = true)}>
              Cc, Bcc
            </button>
          )
        }
      />
      {more.value ? (
        <>
          <AddressInput label="Cc" people={draft.cc.value} onChange={set(draft.cc)} />
          <AddressInput label="Bcc" people={draft.bcc.value} onChange={set(draft.bcc)} />
        </>
      ) : null}
      <div class="compose-line">
        <label class="visually-hidden" for="compose-subject">
          Subject
        </label>
        <input
          id="compose-subject"
          class="compose-subject"
          type="text"
          placeholder="Subject"
          value={draft.subject.value}
          onInput={(event) => {
            draft.subject.value = event.currentTarget.value
            draft.touch()
          }}
        />
      </div>
    </div>
  )
}

interface BodyProps {
  readonly draft: DraftMessage
  readonly editor: Editor
  readonly send: () => void
  readonly close: () => void
  readonly takeFiles: (files: readonly File[]) => void
}

function Body({ draft, editor, send, close, takeFiles }: BodyProps): JSX.Element {
  const focus = draft.start.kind === 'reply' || draft.start.kind === 'edit'
  const area = useRef<HTMLTextAreaElement>(null)
  useEffect(() => {
    if (!draft.plain.value || !focus) return
    area.current?.focus()
    area.current?.setSelectionRange(0, 0)
  }, [draft.plain.value])
  if (draft.plain.value) {
    return (
      <textarea
        ref={area}
        class="compose-plain"
        aria-label="Text of the message"
        value={draft.text.value}
        onInput={(event) => {
          draft.text.value = event.currentTarget.value
          draft.touch()
        }}
      />
    )
  }
  return (
    <EditorFrame
      html={draft.html}
      quote={draft.quote}
      onOpened={(html) => draft.opened(html)}
      focus={focus}
      handle={editor}
      onFiles={takeFiles}
      onChange={(html) => {
        draft.html = html
        draft.touch()
      }}
      onKey={({ key }) => (key === 'Enter' ? send() : close())}
    />
  )
}

function Files({ draft }: { draft: DraftMessage }): JSX.Element | null {
  const files = draft.files.value.filter(({ cid }) => cid === undefined)
  if (files.length + draft.uploads.value.length === 0) return null
  return (
    <ul role="list" class="attachment-list compose-files">
      {files.map((file) => (
        <FileChip
          key={file.blobId}
          name={file.name}
          size={file.size}
          progress={null}
          onRemove={() => draft.removeFile(file.blobId)}
        />
      ))}
      {draft.uploads.value.map((upload) => (
        <FileChip
          key={upload.key}
          name={upload.name}
          size={upload.size}
          progress={upload.progress}
          onRemove={() => upload.abort.abort()}
        />
      ))}
    </ul>
  )
}

interface FootProps {
  readonly draft: DraftMessage
  readonly send: (at: Date | null) => void
  readonly takeFiles: (files: readonly File[]) => void
  readonly discard: () => void
}

function Foot({ draft, send, takeFiles, discard }: FootProps): JSX.Element {
  const input = useRef<HTMLInputElement>(null)
  const picture = useRef<HTMLInputElement>(null)
  const throwAway = (): void => {
    const wasEmpty = draft.isEmpty
    void draft
      .flush()
      .then(() => {
        const again = restart(draft)
        discard()
        return draft.discard().then(() => {
          if (wasEmpty) return
          const undo = (): void => draft.webmail.compose(again)
          toast('Draft thrown away', { key: 'undo', action: { label: 'Undo', run: undo } })
        })
      })
      .catch((error: unknown) => toastError(error))
  }
  return (
    <div class="compose-foot">
      <span class="btn-group">
        <Button tone="primary" icon="send" busy={draft.status.value === 'sending'} onClick={() => send(null)}>
          Send
        </Button>
        {draft.webmail.mayHold ? <ScheduleButton onChoose={send} /> : null}
      </span>
      <IconButton icon="attach" label="Add files" onClick={() => input.current?.click()} />
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="Files to add"
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])]
          for (const file of files)
            void draft.attach(file).catch((error: unknown) => toastError(error, `${file.name} was not added`))
          event.currentTarget.value = ''
        }}
      />
      <IconButton icon="image" label="Picture in the text" onClick={() => picture.current?.click()} />
      <input
        ref={picture}
        type="file"
        accept="image/*"
        multiple
        hidden
        aria-label="Pictures to add"
        onChange={(event) => takeFiles([...(event.currentTarget.files ?? [])])}
      />
      <span class="grow" />
      <Menu
        label="More"
        align="end"
        trigger={(attributes) => <IconButton icon="more" label="More" {...attributes} />}
        entries={[
          {
            label: 'Plain text',
            checked: draft.plain.value,
            run: () => void draft.flush().then(() => draft.setPlain(!draft.plain.value)),
          },
        ]}
      />
      <IconButton icon="trash" label="Throw the draft away" onClick={throwAway} />
    </div>
  )
}
