// A conversation: its subject, what can be done with it, and its messages, the read ones folded.
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import type { Email, Id } from '../../shared/jmap/types.ts'
import { Badge, labelTone } from '../../shared/ui/badge.tsx'
import { Button, IconButton } from '../../shared/ui/button.tsx'
import { Empty, Failed, Loading } from '../../shared/ui/states.tsx'
import { useWebmail } from '../context.ts'
import { subjectOf } from '../list/conversation-row.tsx'
import { MoveMenu } from '../list/move-menu.tsx'
import { markRead, moveToRole, setKeyword, trash } from '../store/actions.ts'
import { labelName, labelsOf } from '../store/labels.ts'
import { forwardStart, replyStart } from '../compose/starts.ts'
import { MessageView } from './message-view.tsx'
import { toastError } from '../../shared/ui/toast.tsx'

export function ThreadPane(): JSX.Element {
  const webmail = useWebmail()
  const threadId = webmail.threadId.value
  const total = webmail.list.value?.total.value ?? 0
  const before = useRef(threadId)
  useEffect(() => {
    const closed = before.current !== null && threadId === null
    before.current = threadId
    // Back where the keys are.
    if (closed && document.activeElement === document.body)
      document.querySelector<HTMLElement>('.conversation.is-cursor .conversation-text')?.focus()
  }, [threadId])
  if (threadId === null) {
    return (
      <section class="pane reading-pane is-empty" aria-label="Message">
        <Empty title={total === 0 ? 'Nothing to read' : 'Choose a conversation'}>
          <p>
            <kbd>j</kbd> and <kbd>k</kbd> walk through the list, <kbd>?</kbd> shows all keys.
          </p>
        </Empty>
      </section>
    )
  }
  return <Thread key={threadId} threadId={threadId} />
}

interface LoadedThread {
  readonly emails: Email[]
  /** Whether the server was asked: where there are no emails then, they are gone. */
  readonly loaded: boolean
  readonly error: string | null
  readonly retry: () => void
}

function useThread(threadId: Id): LoadedThread {
  const { store, client } = useWebmail()
  const error = useSignal<string | null>(null)
  /** In which epoch. */
  const loaded = useSignal(-1)
  void store.version.value
  const epoch = store.epoch.value
  const load = (): void => {
    error.value = null
    store.loadThread(threadId).then(
      () => (loaded.value = epoch),
      (failure: unknown) => {
        error.value = failure instanceof Error ? failure.message : String(failure)
      },
    )
  }
  useEffect(load, [threadId, epoch])
  const online = client.online.value
  useEffect(() => {
    if (online && error.peek() !== null) load()
  }, [online])
  const emails = store.threadEmails(threadId)
  return { emails, loaded: loaded.value === epoch, error: error.value, retry: load }
}

function Thread({ threadId }: { threadId: Id }): JSX.Element {
  const webmail = useWebmail()
  const { emails, loaded, error, retry } = useThread(threadId)
  const ready = emails.length > 0
  // Opening it is reading it.
  useEffect(() => {
    if (!ready) return
    const unread = emails.some(({ keywords }) => keywords['$seen'] !== true)
    if (unread && webmail.client.online.peek()) {
      void setKeyword({ ...webmail.scene, mailboxId: null }, [threadId], { keyword: '$seen', on: true })
    }
  }, [threadId, ready])
  const text = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (ready && mayTakeFocus()) text.current?.focus({ preventScroll: true })
  }, [threadId, ready])
  const latest = emails.findLast(({ keywords }) => keywords['$draft'] !== true)
  return (
    <section class="pane reading-pane" aria-label="Message">
      <ThreadBar threadId={threadId} gone={!ready && loaded} />
      {error !== null && !ready ? (
        <Failed title="This conversation could not be loaded" reason={error} retry={retry} />
      ) : !ready && loaded ? (
        <Empty title="No longer there">
          <p>This conversation has been deleted.</p>
          <Button onClick={() => webmail.open(null)}>Back to the list</Button>
        </Empty>
      ) : !ready ? (
        <Loading />
      ) : (
        <div ref={text} id="thread" class="thread" tabIndex={-1}>
          <h1 class="title thread-title" dir="auto">
            {subjectOf((latest ?? emails.at(-1))?.subject ?? null, emails.length)} <Labels emails={emails} />
          </h1>
          <Messages emails={emails} />
          {latest === undefined ? null : <Answer email={latest} />}
        </div>
      )}
    </section>
  )
}

/** What is opened is read next: Tab and Space are for it then, unless somebody writes or searches. */
function mayTakeFocus(): boolean {
  const active = document.activeElement
  return active === null || active === document.body || active.closest('.list-pane, .reading-pane') !== null
}

function Labels({ emails }: { emails: readonly Email[] }): JSX.Element {
  const webmail = useWebmail()
  return (
    <>
      {labelsOf(emails).map((keyword) => (
        <a
          key={keyword}
          class="label-link"
          href={webmail.router.href(webmail.pathOf({ kind: 'label', keyword }))}
          data-tip={`All with ${labelName(keyword)}`}
        >
          <Badge tone={labelTone(keyword)}>{labelName(keyword)}</Badge>
        </a>
      ))}
    </>
  )
}

function Messages({ emails }: { emails: readonly Email[] }): JSX.Element {
  // What was unread when the conversation was opened, and the newest, begin unfolded.
  const unfolded = useSignal<ReadonlySet<Id> | null>(null)
  unfolded.value ??= new Set([
    ...emails.filter(({ keywords }) => keywords['$seen'] !== true).map(({ id }) => id),
    emails.at(-1)?.id ?? '',
  ])
  const toggle = (id: Id): void => {
    const next = new Set(unfolded.value)
    if (!next.delete(id)) next.add(id)
    unfolded.value = next
  }
  const last = emails.at(-1)?.id
  return (
    <div class="messages">
      {emails.map((email) => (
        <MessageView
          key={email.id}
          email={email}
          open={unfolded.value?.has(email.id) === true || (emails.length === 1 && email.id === last)}
          onToggle={() => toggle(email.id)}
        />
      ))}
    </div>
  )
}

function ThreadBar({ threadId, gone }: { threadId: Id; gone: boolean }): JSX.Element {
  const webmail = useWebmail()
  return (
    <div class="pane-bar" role="toolbar" aria-label="Conversation">
      <IconButton
        icon="arrow-left"
        label="Back to the list"
        shortcut="Esc"
        onClick={() => webmail.open(null)}
      />
      {gone ? null : <ThreadTools threadId={threadId} />}
    </div>
  )
}

function ThreadTools({ threadId }: { threadId: Id }): JSX.Element {
  const webmail = useWebmail()
  const ids = [threadId]
  const leave = (action: Promise<void>): void => {
    void action
    webmail.open(null)
  }
  const { scene } = webmail
  return (
    <>
      <span class="bar-rule" />
      <IconButton
        icon="archive"
        label="Archive"
        shortcut="e"
        onClick={() => leave(moveToRole(scene, ids, 'archive'))}
      />
      <IconButton icon="trash" label="Delete" shortcut="#" onClick={() => leave(trash(scene, ids))} />
      <IconButton
        icon="spam"
        label="Spam"
        shortcut="!"
        onClick={() => leave(moveToRole(scene, ids, 'junk'))}
      />
      <IconButton
        icon="mail"
        label="Mark as unread"
        shortcut="u"
        onClick={() => leave(markRead(scene, ids, false))}
      />
      <MoveMenu targets={ids} onMoved={() => webmail.open(null)} />
      <span class="end" />
      <IconButton class="only-desktop" icon="print" label="Print" onClick={() => print()} />
    </>
  )
}

function Answer({ email }: { email: Email }): JSX.Element {
  const webmail = useWebmail()
  const begin = (make: () => Promise<Parameters<typeof webmail.compose>[0]>): void => {
    make().then(
      (start) => webmail.compose(start),
      (error: unknown) => toastError(error),
    )
  }
  return (
    <div class="answer no-print">
      <Button
        data-action="reply"
        icon="reply"
        onClick={() => begin(() => replyStart(webmail, email.id, { all: false }))}
      >
        Reply
      </Button>
      <Button
        data-action="reply-all"
        icon="reply-all"
        onClick={() => begin(() => replyStart(webmail, email.id, { all: true }))}
      >
        Reply to all
      </Button>
      <Button
        data-action="forward"
        icon="forward"
        onClick={() => begin(() => forwardStart(webmail, email.id))}
      >
        Forward
      </Button>
    </div>
  )
}
