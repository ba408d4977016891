// One message: its head, and every way to look at it.
import type { JSX } from 'preact'
import { signal, useSignal } from '@preact/signals'
import { formatDate, formatSize } from '../shared/format.ts'
import { useShortcuts } from '../shared/keys.ts'
import { Badge, Chip } from '../shared/ui/badge.tsx'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { Menu } from '../shared/ui/menu.tsx'
import { Empty, Failed, Loading, Notice } from '../shared/ui/states.tsx'
import { Tabs } from '../shared/ui/tabs.tsx'
import { PlainText } from '../shared/mail/plain-text.tsx'
import { HtmlChecks, LinkChecks, WorldChecks } from './checks.tsx'
import { nameOf } from './list.tsx'
import { Parts } from './parts.tsx'
import { Preview } from './preview.tsx'
import { ReleaseDialog } from './release.tsx'
import { Headers, HtmlSource, Source } from './source.tsx'
import {
  apiPath,
  close,
  type Detail,
  detail,
  detailFailure,
  openId,
  remove,
  retryDetail,
  setRead,
  setTags,
} from './state.ts'
import { TagMenu } from './tag-menu.tsx'
import { SessionFacts, Transcript } from './transcript.tsx'

export type Look =
  | 'html'
  | 'text'
  | 'html-source'
  | 'headers'
  | 'raw'
  | 'parts'
  | 'session'
  | 'compatibility'
  | 'links'
  | 'world'

const look = signal<Look>('html')
const releasing = signal(false)

/** So many are named before the others are asked for. */
const namedPeople = 8

function People({ label, people }: { label: string; people: Detail['to'] }): JSX.Element | null {
  const all = useSignal(people.length <= namedPeople + 2)
  if (people.length === 0) return null
  return (
    <>
      <dt>{label}</dt>
      <dd>
        {people.slice(0, all.value ? people.length : namedPeople).map((person, index) => (
          <span key={index}>
            {index > 0 ? ', ' : ''}
            {person.name === '' ? null : <>{person.name} </>}
            <span class={person.name === '' ? '' : 'faint'}>
              {person.name === '' ? person.address : `<${person.address}>`}
            </span>
          </span>
        ))}
        {all.value ? null : (
          <>
            {' '}
            <button type="button" class="more-people" onClick={() => (all.value = true)}>
              and {people.length - namedPeople} more
            </button>
          </>
        )}
      </dd>
    </>
  )
}

function Actions({ message }: { message: Detail }): JSX.Element {
  const { id, read } = message
  return (
    <div class="row message-actions">
      <IconButton icon="arrow-left" label="Back to the list" class="only-phone" onClick={close} />
      <span class="grow" />
      <IconButton
        icon={read ? 'mail' : 'mail-open'}
        label={read ? 'Mark as unread' : 'Mark as read'}
        shortcut="r"
        onClick={() => void setRead([id], !read)}
      />
      <TagMenu ids={[id]} />
      <IconButton icon="trash" label="Delete" shortcut="#" onClick={() => void remove([id])} />
      <Button icon="send" onClick={() => (releasing.value = true)}>
        Release
      </Button>
      <Menu
        label="Message"
        align="end"
        trigger={(attributes) => <IconButton {...attributes} icon="more" label="More" />}
        entries={() => [
          { label: 'Print', icon: 'print', run: () => print() },
          {
            label: 'Download the source',
            icon: 'download',
            run: () => {
              location.href = apiPath(`/messages/${id}/source?download=1`)
            },
          },
          {
            label: 'Open the source',
            icon: 'code',
            run: () => window.open(apiPath(`/messages/${id}/source`), '_blank', 'noopener'),
          },
          {
            label: 'Open the HTML alone',
            icon: 'external',
            disabled: !message.hasHtml,
            run: () => window.open(apiPath(`/messages/${id}/html`), '_blank', 'noopener'),
          },
        ]}
      />
    </div>
  )
}

function Head({ message }: { message: Detail }): JSX.Element {
  const { id, subject, from, to, cc, bcc, replyTo, receivedAt, size, tags, listUnsubscribe, defects } =
    message
  return (
    <header class="message-head stack stack-s">
      <Actions message={message} />
      <h1 class="title" dir="auto">
        {subject || '(no subject)'}
      </h1>
      <dl class="facts">
        <People label="From" people={from === null ? [] : [from]} />
        <People label="To" people={to} />
        <People label="Cc" people={cc} />
        <People label="Bcc" people={bcc} />
        <People label="Reply to" people={replyTo} />
        <dt>Received</dt>
        <dd>
          {formatDate(receivedAt)} <span class="faint">· {formatSize(size)}</span>
        </dd>
      </dl>
      <div class="row row-wrap">
        {tags.map((tag) => (
          <Chip
            key={tag}
            removeLabel={`Take the tag ${tag} away`}
            onRemove={() =>
              void setTags(
                [id],
                tags.filter((other) => other !== tag),
              )
            }
          >
            {tag}
          </Chip>
        ))}
        {listUnsubscribe.header === '' ? null : listUnsubscribe.oneClick ? (
          <Badge tone="good" icon="check">
            one-click unsubscribe
          </Badge>
        ) : (
          <Badge tone="warn" icon="warn">
            unsubscribe has faults
          </Badge>
        )}
      </div>
      {defects.length > 0 ? (
        <Notice tone="warn">Its MIME is not right: {defects.join(', ').replaceAll('-', ' ')}.</Notice>
      ) : null}
    </header>
  )
}

function Body({ message, value }: { message: Detail; value: Look }): JSX.Element {
  switch (value) {
    case 'html':
      return <Preview id={message.id} subject={message.subject} />
    case 'text':
      return message.text === '' ? <Empty title="It has no text" /> : <PlainText text={message.text} />
    case 'html-source':
      return <HtmlSource id={message.id} />
    case 'headers':
      return <Headers id={message.id} />
    case 'raw':
      return <Source id={message.id} size={message.size} />
    case 'parts':
      return <Parts message={message} />
    case 'session':
      return message.record === null ? (
        <Empty title="Nobody knows how it came">
          <p>The program stopped before it was written down.</p>
        </Empty>
      ) : (
        <div class="stack">
          <SessionFacts envelope={message.record.envelope} session={message.record.session} />
          <Transcript lines={message.record.transcript} truncated={message.record.truncated} />
        </div>
      )
    case 'compatibility':
      return <HtmlChecks id={message.id} />
    case 'links':
      return <LinkChecks id={message.id} />
    case 'world':
      return <WorldChecks message={message} />
  }
}

function Looks({ message }: { message: Detail }): JSX.Element {
  const { hasHtml, parts } = message
  const value =
    !hasHtml && ['html', 'html-source', 'compatibility'].includes(look.value) ? 'text' : look.value
  const tabs: { value: Look; label: string; hidden?: boolean }[] = [
    { value: 'html', label: 'HTML', hidden: !hasHtml },
    { value: 'text', label: 'Text' },
    { value: 'html-source', label: 'HTML source', hidden: !hasHtml },
    { value: 'headers', label: 'Headers' },
    { value: 'raw', label: 'Source' },
    { value: 'parts', label: parts.length > 0 ? `Parts (${parts.length})` : 'Parts' },
    { value: 'session', label: 'Session' },
    { value: 'compatibility', label: 'HTML check', hidden: !hasHtml },
    { value: 'links', label: 'Links' },
    { value: 'world', label: 'Authentication' },
  ]
  const shown = tabs.filter(({ hidden }) => hidden !== true)
  useShortcuts('Message', [
    { keys: 'u', label: 'Back to the list', run: close },
    { keys: 'r', label: 'Mark as unread or read', run: () => void setRead([message.id], !message.read) },
    ...shown.slice(0, 9).map((tab, index) => ({
      keys: String(index + 1),
      label: tab.label,
      run: () => {
        look.value = tab.value
      },
    })),
  ])
  return (
    <Tabs label="Ways to look at it" value={value} onChange={(next) => (look.value = next)} tabs={tabs}>
      <Body key={message.id} message={message} value={value} />
    </Tabs>
  )
}

export function MessageView(): JSX.Element {
  const message = detail.value
  if (openId.value === null) {
    return (
      <section class="message-pane is-empty" aria-label="Message">
        <Empty title="No message is open">
          <p>
            Choose one. <kbd>j</kbd> and <kbd>k</kbd> walk through the list, <kbd>?</kbd> shows all keys.
          </p>
        </Empty>
      </section>
    )
  }
  return (
    <section
      class="message-pane"
      aria-label={message === null ? 'Message' : `Message from ${nameOf(message.from)}`}
    >
      {detailFailure.value !== null ? (
        <>
          <div class="row message-actions only-phone">
            <IconButton icon="arrow-left" label="Back to the list" onClick={close} />
          </div>
          <Failed title="The message could not be opened" reason={detailFailure.value} retry={retryDetail} />
        </>
      ) : message === null ? (
        <Loading />
      ) : (
        <>
          <Head key={message.id} message={message} />
          <Looks message={message} />
          {releasing.value ? (
            <ReleaseDialog message={message} onClose={() => (releasing.value = false)} />
          ) : null}
        </>
      )}
    </section>
  )
}
