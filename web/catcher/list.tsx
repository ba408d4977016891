// The list of what was caught: only the rows in sight exist, whatever their number. Chosen with the mouse as in any list (shift and
// ctrl extend), with check boxes, or with the keys.
import type { JSX } from 'preact'
import { useCallback, useRef } from 'preact/hooks'
import { formatDate, formatNumber, formatShortDate, plural } from '../shared/format.ts'
import { useShortcuts } from '../shared/keys.ts'
import { Badge, labelTone } from '../shared/ui/badge.tsx'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { confirm } from '../shared/ui/dialog.tsx'
import { Icon } from '../shared/ui/icon.tsx'
import { Empty, Failed, Skeleton } from '../shared/ui/states.tsx'
import { VirtualList, type VirtualListHandle } from '../shared/ui/virtual-list.tsx'
import {
  cursor,
  detail,
  failure,
  inbox,
  loaded,
  needRows,
  open,
  openId,
  place,
  query,
  reload,
  remove,
  removeShown,
  root,
  router,
  rows,
  selected,
  setAllRead,
  setRead,
  status,
  total,
  type Summary,
  unread,
} from './state.ts'
import { TagMenu } from './tag-menu.tsx'

const rowHeight = 84

export function nameOf(person: { name: string; address: string } | null | undefined): string {
  return person == null ? '' : person.name === '' ? person.address : person.name
}

function toggle(id: string): void {
  const next = new Set(selected.peek())
  if (!next.delete(id)) next.add(id)
  selected.value = next
}

/** From the cursor to that row. */
function extend(to: number): void {
  const next = new Set(selected.peek())
  const [first, last] = [Math.min(cursor.peek(), to), Math.max(cursor.peek(), to)]
  for (let index = first; index <= last; index++) {
    const row = rows.peek().get(index)
    if (row !== undefined) next.add(row.id)
  }
  selected.value = next
}

function Row({ message, index }: { message: Summary; index: number }): JSX.Element {
  const { id, read, subject, from, to, cc, bcc, receivedAt, snippet, tags, attachments } = message
  const people = [...to, ...cc, ...bcc]
  const chosen = selected.value.has(id)
  return (
    <div
      class={`caught ${read ? '' : 'is-unread'} ${chosen ? 'is-chosen' : ''}`}
      aria-current={openId.value === id}
    >
      <input
        type="checkbox"
        class="checkbox caught-check"
        checked={chosen}
        aria-label={`Choose ${subject || 'message without subject'}`}
        onClick={(event) => {
          event.stopPropagation()
          if (event.shiftKey) extend(index)
          else toggle(id)
        }}
      />
      <a
        class="caught-link"
        href={root + place(`message/${id}`)}
        onClick={(event) => {
          if (event.shiftKey || event.metaKey || event.ctrlKey) {
            event.preventDefault()
            event.stopPropagation()
            if (event.shiftKey) extend(index)
            else toggle(id)
          }
          cursor.value = index
        }}
      >
        <span class="caught-top">
          <span class="caught-from cut" dir="auto">
            {nameOf(from) || '(no sender)'}
          </span>
          <span class="caught-to cut faint">
            to {nameOf(people[0]) || 'nobody'}
            {people.length > 1 ? ` and ${people.length - 1} more` : ''}
          </span>
          <time class="caught-time num" title={formatDate(receivedAt)}>
            {formatShortDate(receivedAt)}
          </time>
        </span>
        <span class="caught-subject cut" dir="auto">
          {subject || '(no subject)'}
        </span>
        <span class="caught-bottom">
          {tags.map((tag) => (
            <Badge key={tag} tone={labelTone(tag)}>
              {tag}
            </Badge>
          ))}
          {attachments > 0 ? (
            <span class="caught-attached" title={plural(attachments, 'attachment')}>
              <Icon name="attach" />
              <span class="visually-hidden">{plural(attachments, 'attachment')}</span>
            </span>
          ) : null}
          <span class="cut faint" dir="auto">
            {snippet}
          </span>
        </span>
      </a>
    </div>
  )
}

async function deleteChosen(): Promise<void> {
  const ids = [...selected.peek()]
  if (ids.length === 0) {
    const row = rows.peek().get(cursor.peek())
    if (row !== undefined) await remove([row.id])
    return
  }
  const question = {
    title: `Delete ${plural(ids.length, 'message')}?`,
    text: 'They go from the mailboxes of their recipients too.',
    confirm: 'Delete',
    danger: true,
  }
  if (ids.length === 1 || (await confirm(question))) await remove(ids)
}

export async function deleteShown(): Promise<void> {
  const all = query.peek() === '' && inbox.peek() === ''
  const yes = await confirm({
    title: all ? 'Delete everything?' : `Delete ${plural(total.peek(), 'message')}?`,
    text: `${plural(total.peek(), 'message')} will be gone, here and from the mailboxes of their recipients. This cannot be undone.`,
    confirm: all ? 'Delete everything' : 'Delete what is shown',
    danger: true,
  })
  if (yes) await removeShown()
}

function Tools(): JSX.Element {
  const ids = [...selected.value]
  if (ids.length > 0) {
    const some = [...rows.value.values()].some((row) => selected.value.has(row.id) && !row.read)
    return (
      <div class="list-tools is-choosing">
        <IconButton
          icon="close"
          label="Choose nothing"
          shortcut="Esc"
          onClick={() => (selected.value = new Set())}
        />
        <span class="grow cut">{ids.length} chosen</span>
        <IconButton
          icon={some ? 'mail-open' : 'mail'}
          label={some ? 'Mark as read' : 'Mark as unread'}
          onClick={() => void setRead(ids, some)}
        />
        <TagMenu ids={ids} />
        <IconButton icon="trash" label="Delete" shortcut="#" onClick={() => void deleteChosen()} />
      </div>
    )
  }
  return (
    <div class="list-tools">
      <span class="grow cut soft">
        {plural(total.value, 'message')}
        {unread.value > 0 ? <span class="list-unread"> · {formatNumber(unread.value)} unread</span> : null}
      </span>
      {unread.value > 0 ? (
        <IconButton icon="mail-open" label="Mark all as read" onClick={() => void setAllRead()} />
      ) : null}
      <IconButton icon="refresh" label="Read the list again" onClick={() => void reload()} />
      <IconButton
        icon="trash"
        label={query.value === '' ? 'Delete everything' : 'Delete what is shown'}
        disabled={total.value === 0}
        onClick={() => void deleteShown()}
      />
    </div>
  )
}

function Nothing(): JSX.Element {
  if (query.value !== '') {
    return (
      <Empty title="Nothing fits" picture="search">
        <p>Try fewer words, or see what a search can say with the button beside the field.</p>
      </Empty>
    )
  }
  const port = status.value?.listeners.find(({ service }) => service === 'catcher')?.port
  return (
    <Empty title="Nothing caught yet">
      <p>Point your program’s mail at</p>
      <p>
        <code>
          {location.hostname}:{port ?? 1025}
        </code>
      </p>
      <p>Any name and password will do, and nothing leaves this machine.</p>
      <Button icon="terminal" onClick={() => router.go('connect')}>
        How to connect
      </Button>
    </Empty>
  )
}

function move(step: number, list: VirtualListHandle | null, { opening }: { opening: boolean }): void {
  const at = Math.max(0, Math.min(total.peek() - 1, cursor.peek() + step))
  cursor.value = at
  list?.scrollTo(at)
  const row = rows.peek().get(at)
  if (opening && row !== undefined) open(row.id)
}

function nextUnread(list: VirtualListHandle | null): void {
  const later = [...rows.peek()]
    .sort(([a], [b]) => a - b)
    .find(([index, row]) => index > cursor.peek() && !row.read)
  if (later === undefined) return
  cursor.value = later[0]
  list?.scrollTo(later[0])
  open(later[1].id)
}

export function MessageList(): JSX.Element {
  const list = useRef<VirtualListHandle>(null)
  const renderRow = useCallback((index: number) => {
    const message = rows.value.get(index)
    return message === undefined ? (
      <div class="caught">
        <Skeleton lines={2} />
      </div>
    ) : (
      <Row message={message} index={index} />
    )
  }, [])
  useShortcuts('List', [
    { keys: 'j', label: 'Next message', run: () => move(1, list.current, { opening: true }) },
    { keys: 'k', label: 'Message before', run: () => move(-1, list.current, { opening: true }) },
    { keys: 'n', label: 'Next unread', run: () => nextUnread(list.current) },
    {
      keys: 'x',
      label: 'Choose',
      run: () => {
        const row = rows.peek().get(cursor.peek())
        if (row !== undefined) toggle(row.id)
      },
    },
    {
      keys: 'Escape',
      label: 'Choose nothing',
      run: () => {
        selected.value = new Set()
      },
    },
    { keys: '#', label: 'Delete', run: () => void deleteChosen() },
    { keys: 'Delete', label: 'Delete', hidden: true, run: () => void deleteChosen() },
  ])
  const isEmpty = loaded.value && total.value === 0
  return (
    <section class="list-pane" aria-label="Messages">
      {detail.value === null ? <h1 class="visually-hidden">Caught messages</h1> : null}
      <Tools />
      {failure.value !== null && !loaded.value ? (
        <Failed title="The list could not be read" reason={failure.value} retry={() => void reload()} />
      ) : isEmpty ? (
        <Nothing />
      ) : loaded.value ? (
        <VirtualList
          handle={list}
          class="caught-list"
          role="list"
          rowRole="listitem"
          aria-label="Caught messages"
          count={total.value}
          rowHeight={rowHeight}
          renderRow={renderRow}
          keyOf={(index) => rows.value.get(index)?.id ?? index}
          onRange={needRows}
        />
      ) : (
        <div class="caught">
          <Skeleton lines={6} />
        </div>
      )}
    </section>
  )
}
