// One conversation: who, what, when, and on pointing at it what is done most.
import type { HTMLAttributes, JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { type Signal, useSignal } from '@preact/signals'
import { formatDate, formatShortDate } from '../../shared/format.ts'
import type { Email, Id } from '../../shared/jmap/types.ts'
import { Badge, labelTone, Stamp } from '../../shared/ui/badge.tsx'
import { IconButton } from '../../shared/ui/button.tsx'
import { Icon } from '../../shared/ui/icon.tsx'
import { useWebmail } from '../context.ts'
import { markRead, moveToRole, toggleStar, trash } from '../store/actions.ts'
import { labelName, labelsOf } from '../store/labels.ts'
import type { Webmail } from '../store/webmail.ts'
import { Marked } from './marked.tsx'

/** Without one nothing is ever pointed at. */
const hasMouse = matchMedia('(hover: hover)').matches

interface Shown {
  readonly email: Email
  readonly threadId: Id
  readonly people: string
  readonly first: { readonly name: string; readonly email: string }
  readonly count: number
  readonly unread: boolean
  readonly starred: boolean
  readonly attachment: boolean
  readonly draft: boolean
  readonly labels: readonly string[]
}

function show(webmail: Webmail, email: Email): Shown {
  const place = webmail.place.value
  const role = place.kind === 'mailbox' ? webmail.store.mailbox(place.mailboxId)?.role : null
  const known = webmail.store.threadEmails(email.threadId)
  const emails = known.length === 0 ? [email] : known
  const outgoing = role === 'sent' || role === 'drafts'
  const people = new Map<string, string>()
  for (const one of emails) {
    const who = outgoing ? (one.to ?? []) : (one.from ?? [])
    for (const { name, email: address } of who) {
      const own = address.toLowerCase() === webmail.client.session.username.toLowerCase()
      people.set(address.toLowerCase(), own && emails.length > 1 ? 'me' : (name ?? address))
    }
  }
  const [first] = (outgoing ? email.to : email.from) ?? []
  return {
    email,
    threadId: email.threadId,
    people: `${outgoing ? 'To ' : ''}${shorten([...people.values()])}`,
    first: { name: first?.name ?? '', email: first?.email ?? '?' },
    count: emails.length,
    unread: emails.some(({ keywords }) => keywords['$seen'] !== true && keywords['$draft'] !== true),
    starred: emails.some(({ keywords }) => keywords['$flagged'] === true),
    attachment: emails.some(({ hasAttachment }) => hasAttachment),
    draft: emails.some(({ keywords }) => keywords['$draft'] === true),
    labels: labelsOf(emails),
  }
}

/** A conversation is about what it began with: what answers put before it says nothing more. */
export function subjectOf(subject: string | null, count: number): string {
  const whole = (subject ?? '').trim()
  const bare = count > 1 ? whole.replace(/^(?:(?:re|aw|sv|antw)(?:\[\d{1,3}\])?\s?:\s*)+/i, '') : whole
  return bare || '(no subject)'
}

/** One whole name, or first names of several. */
function shorten(names: readonly string[]): string {
  if (names.length === 0) return '(nobody)'
  if (names.length === 1) return names[0] ?? ''
  return names
    .slice(0, 4)
    .map((name) => (name.includes('@') ? name.replace(/@.*/, '') : (name.split(/\s+/)[0] ?? name)))
    .join(', ')
}

export function ConversationRow({ index }: { index: number }): JSX.Element {
  const webmail = useWebmail()
  // A component is drawn again only for its own signals and props.
  void webmail.store.version.value
  const id = webmail.list.value?.ids[index]
  const email = id === undefined ? undefined : webmail.store.emails.get(id)
  if (email === undefined) return <RowSkeleton />
  return <Row index={index} shown={show(webmail, email)} />
}

function RowSkeleton(): JSX.Element {
  return (
    <div class="conversation is-loading" aria-hidden="true">
      <span class="skeleton" style={{ width: '36px', height: '36px' }} />
      <span class="stack stack-s grow">
        <span class="skeleton" style={{ width: '55%', height: '12px' }} />
        <span class="skeleton" style={{ width: '85%', height: '12px' }} />
      </span>
    </div>
  )
}

/** Chooses that row, or with shift all from the last chosen to it; those that are not loaded are loaded first. */
export async function choose(webmail: Webmail, index: number, range: boolean): Promise<void> {
  const threadId = webmail.threadAt(index)
  if (threadId === undefined) return
  const from = webmail.cursor.peek()
  webmail.cursor.value = index
  if (!range || webmail.chosen.peek().size === 0) {
    const chosen = new Set(webmail.chosen.peek())
    if (!chosen.delete(threadId)) chosen.add(threadId)
    webmail.choose(chosen)
    return
  }
  const [first, last] = [Math.min(from, index), Math.max(from, index) + 1]
  const list = webmail.list.peek()
  await list?.need(first, last)
  // Somebody may have gone elsewhere meanwhile.
  if (list !== webmail.list.peek()) return
  const chosen = new Set(webmail.chosen.peek())
  for (let at = first; at < last; at++) {
    const id = webmail.threadAt(at)
    if (id !== undefined) chosen.add(id)
  }
  webmail.choose(chosen)
}

/** Opens it; a draft is opened to be written on. */
export function openRow(webmail: Webmail, index: number): void {
  const threadId = webmail.threadAt(index)
  if (threadId === undefined) return
  webmail.cursor.value = index
  webmail.open(threadId)
}

/** A swipe to the right archives, to the left deletes. */
function useSwipe(onSwipe: (direction: 'left' | 'right') => void): HTMLAttributes<HTMLDivElement> {
  const start = useRef<{ x: number; y: number } | null>(null)
  return {
    onTouchStart: (event) => {
      const touch = event.touches[0]
      start.current = touch === undefined ? null : { x: touch.clientX, y: touch.clientY }
    },
    onTouchMove: (event) => {
      const touch = event.touches[0]
      if (start.current === null || touch === undefined) return
      const dx = touch.clientX - start.current.x
      if (Math.abs(touch.clientY - start.current.y) > 24) start.current = null
      else if (Math.abs(dx) > 12) event.currentTarget.style.translate = `${dx}px`
    },
    onTouchEnd: (event) => {
      const touch = event.changedTouches[0]
      event.currentTarget.style.translate = ''
      if (start.current === null || touch === undefined) return
      const dx = touch.clientX - start.current.x
      if (Math.abs(dx) > 110) onSwipe(dx > 0 ? 'right' : 'left')
    },
  }
}

function Row({ index, shown }: { index: number; shown: Shown }): JSX.Element {
  const webmail = useWebmail()
  const { email, threadId } = shown
  // Whether shift was held at the click that changes the tick.
  const range = useRef(false)
  const chosen = webmail.all.value || webmail.chosen.value.has(threadId)
  // Whether a mouse is over it: what is only seen then is only made then.
  const near = useSignal(false)
  const open = webmail.threadId.value === threadId
  const swipe = useSwipe((direction) => {
    void (direction === 'right'
      ? moveToRole(webmail.scene, [threadId], 'archive')
      : trash(webmail.scene, [threadId]))
  })
  const classes = ['conversation', shown.unread && 'is-unread', open && 'is-open', chosen && 'is-chosen']
  return (
    <div
      {...swipe}
      class={`${classes.filter(Boolean).join(' ')} ${webmail.cursor.value === index ? 'is-cursor' : ''}`}
      draggable
      onPointerEnter={({ pointerType }) => (near.value = pointerType === 'mouse')}
      onPointerLeave={() => (near.value = false)}
      onDragStart={(event) => {
        const ids = chosen ? [...webmail.chosen.peek()] : [threadId]
        event.dataTransfer?.setData('application/x-posthorn', JSON.stringify(ids))
        if (event.dataTransfer !== null) event.dataTransfer.effectAllowed = 'move'
      }}
    >
      <label class="conversation-tick">
        <input
          type="checkbox"
          class="checkbox"
          aria-label={`Choose: ${email.subject ?? 'no subject'}`}
          checked={chosen}
          onClick={(event) => {
            range.current = event.shiftKey
          }}
          onChange={() => void choose(webmail, index, range.current)}
        />
        <Stamp name={shown.first.name} email={shown.first.email} />
      </label>
      <a
        class="conversation-text"
        href={webmail.router.href(webmail.pathOf(webmail.place.value, threadId))}
        aria-current={open ? 'true' : undefined}
        draggable={false}
        onClick={() => (webmail.cursor.value = index)}
      >
        <RowText shown={shown} />
      </a>
      <RowActions shown={shown} near={near} />
    </div>
  )
}

function RowText({ shown }: { shown: Shown }): JSX.Element {
  const webmail = useWebmail()
  const { email } = shown
  const snippet = webmail.list.value?.snippets.get(email.id)
  const time = Date.parse(email.receivedAt)
  return (
    <>
      <span class="conversation-line">
        {shown.unread ? <span class="visually-hidden">Unread. </span> : null}
        <span class="conversation-people cut" dir="auto">
          {shown.people}
        </span>
        {shown.count > 1 ? <span class="count conversation-count">{shown.count}</span> : null}
        {shown.attachment ? <Icon name="attach" class="faint" /> : null}
        <time class="conversation-time num" dateTime={email.receivedAt} title={formatDate(time)}>
          {formatShortDate(time)}
        </time>
      </span>
      <span class="conversation-subject cut" dir="auto">
        {shown.draft ? <Badge tone="bad">Draft</Badge> : null}
        {shown.labels.map((label) => (
          <Badge key={label} tone={labelTone(label)}>
            {labelName(label)}
          </Badge>
        ))}{' '}
        {snippet?.subject == null ? subjectOf(email.subject, shown.count) : <Marked html={snippet.subject} />}
      </span>
      <span class="conversation-preview cut" dir="auto">
        {snippet?.preview == null ? email.preview : <Marked html={snippet.preview} />}
      </span>
    </>
  )
}

function RowActions({ shown, near }: { shown: Shown; near: Signal<boolean> }): JSX.Element {
  const webmail = useWebmail()
  const { threadId, starred, unread } = shown
  const ids = [threadId]
  return (
    <span class="conversation-actions">
      {near.value ? (
        <span class="hover-actions">
          <IconButton
            size="small"
            icon="archive"
            label="Archive"
            shortcut="e"
            tabIndex={-1}
            onClick={() => void moveToRole(webmail.scene, ids, 'archive')}
          />
          <IconButton
            size="small"
            icon="trash"
            label="Delete"
            shortcut="#"
            tabIndex={-1}
            onClick={() => void trash(webmail.scene, ids)}
          />
          <IconButton
            size="small"
            icon={unread ? 'mail-open' : 'mail'}
            label={unread ? 'Mark as read' : 'Mark as unread'}
            tabIndex={-1}
            onClick={() => void markRead(webmail.scene, ids, unread)}
          />
        </span>
      ) : null}
      {starred || near.value || !hasMouse ? (
        <IconButton
          class={starred ? 'is-starred' : 'star-button'}
          size="small"
          icon="star"
          filled={starred}
          label={starred ? 'Take the star' : 'Star'}
          shortcut="s"
          tabIndex={-1}
          onClick={() => void toggleStar(webmail.scene, threadId)}
        />
      ) : null}
    </span>
  )
}
