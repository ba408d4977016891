// The list of conversations and the bar above it. Choosing is by tick, with shift for a range, or by `x`; what is chosen can be dragged.
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { formatNumber } from '../../shared/format.ts'
import { Button, IconButton } from '../../shared/ui/button.tsx'
import { Empty, Failed } from '../../shared/ui/states.tsx'
import { VirtualList, type VirtualListHandle } from '../../shared/ui/virtual-list.tsx'
import { announce } from '../../shared/ui/live.tsx'
import { useWebmail } from '../context.ts'
import { markRead, moveToRole, type Targets, trash } from '../store/actions.ts'
import { labelName } from '../store/labels.ts'
import type { Webmail } from '../store/webmail.ts'
import { ConversationRow } from './conversation-row.tsx'
import { MoveMenu } from './move-menu.tsx'

const rowHeight = 84

export function ConversationPane(): JSX.Element {
  const webmail = useWebmail()
  const list = webmail.list.value
  const handle = useRef<VirtualListHandle>(null)
  const cursor = webmail.cursor.value
  useEffect(() => handle.current?.scrollTo(cursor), [cursor])
  useEffect(() => {
    if (handle.current?.element != null) handle.current.element.scrollTop = 0
  }, [list])
  // Rows are drawn again whenever what they show may have changed.
  void webmail.store.version.value
  const total = list?.total.value ?? null
  return (
    <section class="pane list-pane" aria-label="Conversations">
      {webmail.chosen.value.size > 0 ? <ChosenBar /> : <ListBar total={total} />}
      {list?.error.value != null && total === null ? (
        <Failed
          title="This could not be loaded"
          reason={list.error.value.message}
          retry={() => void list.refresh()}
        />
      ) : total === 0 ? (
        <div id="conversations" tabIndex={-1}>
          <Nothing webmail={webmail} offline={list?.fromKept.value === true} />
        </div>
      ) : total === null ? (
        <div class="list-loading" role="status" aria-label="Loading">
          {Array.from({ length: 8 }, (_, index) => (
            <ConversationRow key={index} index={index} />
          ))}
        </div>
      ) : (
        <VirtualList
          id="conversations"
          class="conversations"
          count={total}
          rowHeight={rowHeight}
          handle={handle}
          role="list"
          rowRole="listitem"
          aria-label="Messages"
          tabIndex={-1}
          keyOf={(index) => list?.ids[index] ?? null}
          onRange={(first, last) => list?.see(first, last)}
          renderRow={(index) => <ConversationRow index={index} />}
        />
      )}
    </section>
  )
}

function titleOf(webmail: Webmail): string {
  const place = webmail.place.value
  if (place.kind === 'search') return 'Found'
  if (place.kind === 'label') return place.keyword === '$flagged' ? 'Starred' : labelName(place.keyword)
  const name = webmail.store.mailbox(place.mailboxId)?.name ?? ''
  return name === 'INBOX' ? 'Inbox' : name
}

function ListBar({ total }: { total: number | null }): JSX.Element {
  const webmail = useWebmail()
  return (
    <header class="pane-bar">
      <h1 class="pane-title cut">{titleOf(webmail)}</h1>
      <span class="faint small num">{total === null ? '' : formatNumber(total)}</span>
      <IconButton
        class="end"
        icon="refresh"
        label="Look for new mail"
        onClick={() => void webmail.store.refresh().then(() => announce('Up to date'))}
      />
    </header>
  )
}

function ChosenBar(): JSX.Element {
  const webmail = useWebmail()
  const total = webmail.list.value?.total.value ?? 0
  const all = webmail.all.value
  const chosen: Targets = all ? 'all' : [...webmail.chosen.value]
  const choose = (ids: ReadonlySet<string>): void => webmail.choose(ids)
  const then = (action: (targets: Targets) => Promise<void>): void => {
    choose(new Set())
    void action(chosen)
  }
  return (
    <div class="pane-bar chosen-bar" role="toolbar" aria-label="What is chosen">
      <h1 class="visually-hidden">{titleOf(webmail)}</h1>
      <IconButton icon="close" label="Choose nothing" shortcut="Esc" onClick={() => choose(new Set())} />
      <span class="chosen-count num">
        {formatNumber(all ? total : webmail.chosen.value.size)} <span class="chosen-word">chosen</span>
      </span>
      {all || webmail.chosen.value.size >= total ? null : (
        <button type="button" class="choose-all small" onClick={() => (webmail.all.value = true)}>
          All {formatNumber(total)}
        </button>
      )}
      <span class="end row">
        <IconButton
          icon="archive"
          label="Archive"
          shortcut="e"
          onClick={() => then((ids) => moveToRole(webmail.scene, ids, 'archive'))}
        />
        <IconButton
          icon="trash"
          label="Delete"
          shortcut="#"
          onClick={() => then((ids) => trash(webmail.scene, ids))}
        />
        <IconButton
          icon="mail-open"
          label="Mark as read"
          onClick={() => then((ids) => markRead(webmail.scene, ids, true))}
        />
        <IconButton
          icon="mail"
          label="Mark as unread"
          shortcut="u"
          onClick={() => then((ids) => markRead(webmail.scene, ids, false))}
        />
        <MoveMenu targets={chosen} onMoved={() => choose(new Set())} />
      </span>
    </div>
  )
}

function Nothing({ webmail, offline }: { webmail: Webmail; offline: boolean }): JSX.Element {
  const place = webmail.place.value
  if (offline) {
    return (
      <Empty title="You are offline">
        <p>
          Nothing that is here was read lately on this device. It is shown as soon as the server is reached.
        </p>
      </Empty>
    )
  }
  if (place.kind === 'search') {
    return (
      <Empty title="Nothing found" picture="search">
        <p>Fewer words find more. Deleted mail and spam are searched with in:trash and in:junk.</p>
      </Empty>
    )
  }
  if (place.kind === 'label') return <NothingLabelled webmail={webmail} keyword={place.keyword} />
  const role = place.kind === 'mailbox' ? webmail.store.mailbox(place.mailboxId)?.role : null
  if (role === 'inbox') {
    return (
      <Empty title="All done" picture="done">
        <p>There is nothing in your inbox. New mail appears here by itself.</p>
      </Empty>
    )
  }
  return (
    <Empty title="Nothing here">
      {role === 'drafts' ? (
        <p>What you begin to write is kept here.</p>
      ) : (
        <>
          <p class="only-desktop">
            Drag conversations here, or move them with <kbd>v</kbd>.
          </p>
          <p class="only-phone">Open a conversation, and move it here by the folder above it.</p>
        </>
      )}
    </Empty>
  )
}

function NothingLabelled({ webmail, keyword }: { webmail: Webmail; keyword: string }): JSX.Element {
  if (keyword === '$flagged') {
    return (
      <Empty title="Nothing starred">
        <p>What has a star is here, wherever it is filed.</p>
      </Empty>
    )
  }
  const forget = (): void => {
    webmail.store.labels.forget(keyword)
    webmail.router.go('')
  }
  return (
    <Empty title="Nothing has this label">
      <p>What has it is here, wherever it is filed.</p>
      <Button onClick={forget}>Remove “{labelName(keyword)}” from the side</Button>
    </Empty>
  )
}
