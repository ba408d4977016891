// Folders as a tree with what is unread, labels, and the way to write. Conversations can be dropped on a folder.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { plural } from '../shared/format.ts'
import { JmapError, checkSet } from '../shared/jmap/client.ts'
import type { Id, Mailbox, SetResponse } from '../shared/jmap/types.ts'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { confirm, Dialog } from '../shared/ui/dialog.tsx'
import { SelectField, TextField } from '../shared/ui/field.tsx'
import { Icon, type IconName } from '../shared/ui/icon.tsx'
import { Menu } from '../shared/ui/menu.tsx'
import { toast, toastError } from '../shared/ui/toast.tsx'
import { Brand } from '../shared/ui/logo.tsx'
import { useWebmail } from './context.ts'
import { emptyMailbox, moveTo } from './store/actions.ts'
import { labelName } from './store/labels.ts'
import type { Webmail } from './store/webmail.ts'

export const roleIcons: Readonly<Record<string, IconName>> = {
  inbox: 'inbox',
  sent: 'send',
  drafts: 'draft',
  archive: 'archive',
  trash: 'trash',
  junk: 'spam',
  important: 'bolt',
  all: 'mail',
}
const roleOrder = ['inbox', 'important', 'drafts', 'sent', 'archive', 'junk', 'trash']

interface Branch {
  readonly mailbox: Mailbox
  readonly depth: number
}

/** Roles first in their usual order, then by sortOrder and name; children below their parents. */
export function treeOf(mailboxes: readonly Mailbox[]): Branch[] {
  const rank = ({ role }: Mailbox): number => {
    const at = role === null ? -1 : roleOrder.indexOf(role)
    return at < 0 ? roleOrder.length : at
  }
  const sorted = [...mailboxes].sort(
    (a, b) => rank(a) - rank(b) || a.sortOrder - b.sortOrder || a.name.localeCompare(b.name),
  )
  const walk = (parentId: Id | null, depth: number): Branch[] =>
    depth > 20
      ? []
      : sorted
          .filter((mailbox) => mailbox.parentId === parentId)
          .flatMap((mailbox) => [{ mailbox, depth }, ...walk(mailbox.id, depth + 1)])
  return walk(null, 0)
}

/** What is worth a number: drafts all, others what is unread. */
function countOf({ role, totalEmails, unreadEmails, unreadThreads }: Mailbox): number {
  if (role === 'drafts') return totalEmails
  return role === 'trash' || role === 'junk' || role === 'sent' ? 0 : unreadThreads || unreadEmails
}

type Editing = { readonly kind: 'new' } | { readonly kind: 'rename'; readonly mailbox: Mailbox }

export function Sidebar(): JSX.Element {
  const webmail = useWebmail()
  const editing = useSignal<Editing | null>(null)
  const place = webmail.place.value
  const tree = treeOf(webmail.store.mailboxes.value)
  return (
    <nav class={`shell-side ${webmail.sideOpen.value ? 'is-open' : ''}`} aria-label="Folders">
      <div class="only-phone side-brand">
        <Brand />
        <IconButton icon="close" label="Close the folders" onClick={() => (webmail.sideOpen.value = false)} />
      </div>
      <Button
        class="compose-button only-desktop"
        tone="primary"
        icon="draft"
        size="large"
        wide
        data-tip="Write a message"
        data-tip-key="c"
        onClick={() => webmail.compose({ kind: 'new' })}
      >
        Write
      </Button>
      <div class="nav">
        {tree.map(({ mailbox, depth }) => (
          <Folder
            key={mailbox.id}
            mailbox={mailbox}
            depth={depth}
            current={place.kind === 'mailbox' && place.mailboxId === mailbox.id}
            onRename={() => (editing.value = { kind: 'rename', mailbox })}
          />
        ))}
        <a
          class="nav-item"
          href={webmail.router.href(webmail.pathOf({ kind: 'label', keyword: '$flagged' }))}
          aria-current={place.kind === 'label' && place.keyword === '$flagged' ? 'page' : undefined}
          onClick={() => (webmail.sideOpen.value = false)}
        >
          <Icon name="star" /> Starred
        </a>
        <button type="button" class="nav-item" onClick={() => (editing.value = { kind: 'new' })}>
          <Icon name="plus" /> New folder
        </button>
      </div>
      <LabelPlaces />
      {editing.value === null ? null : (
        <FolderDialog editing={editing.value} onClose={() => (editing.value = null)} />
      )}
    </nav>
  )
}

function LabelPlaces(): JSX.Element | null {
  const webmail = useWebmail()
  const { seen } = webmail.store.labels
  const place = webmail.place.value
  if (seen.value.length === 0) return null
  return (
    <>
      <h2 class="nav-title">Labels</h2>
      <div class="nav">
        {seen.value.map((keyword) => (
          <a
            key={keyword}
            class="nav-item"
            href={webmail.router.href(webmail.pathOf({ kind: 'label', keyword }))}
            aria-current={place.kind === 'label' && place.keyword === keyword ? 'page' : undefined}
            onClick={() => (webmail.sideOpen.value = false)}
          >
            <Icon name="tag" /> <span class="cut">{labelName(keyword)}</span>
          </a>
        ))}
      </div>
    </>
  )
}

interface FolderProps {
  readonly mailbox: Mailbox
  readonly depth: number
  readonly current: boolean
  readonly onRename: () => void
}

function Folder({ mailbox, depth, current, onRename }: FolderProps): JSX.Element {
  const webmail = useWebmail()
  const over = useSignal(false)
  const count = countOf(mailbox)
  const path = webmail.router.href(webmail.pathOf({ kind: 'mailbox', mailboxId: mailbox.id }))
  return (
    <div
      class={`folder ${over.value ? 'is-over' : ''}`}
      onDragOver={(event) => {
        if (event.dataTransfer?.types.includes('application/x-posthorn') !== true) return
        event.preventDefault()
        over.value = true
      }}
      onDragLeave={() => (over.value = false)}
      onDrop={(event) => {
        event.preventDefault()
        over.value = false
        const ids = JSON.parse(event.dataTransfer?.getData('application/x-posthorn') ?? '[]') as Id[]
        const targets = webmail.all.peek() ? 'all' : ids
        webmail.choose(new Set())
        void moveTo(webmail.scene, targets, mailbox.id)
      }}
    >
      <a
        class="nav-item"
        href={path}
        style={{ paddingInlineStart: `${12 + depth * 18}px` }}
        aria-current={current ? 'page' : undefined}
        onClick={() => (webmail.sideOpen.value = false)}
      >
        <Icon name={roleIcons[mailbox.role ?? ''] ?? 'folder'} />
        <span class="cut">{mailbox.name === 'INBOX' ? 'Inbox' : mailbox.name}</span>
        {count === 0 ? null : (
          <span class="count">
            {count}
            <span class="visually-hidden">{mailbox.role === 'drafts' ? ' drafts' : ' unread'}</span>
          </span>
        )}
      </a>
      {mailbox.role === null || mailbox.role === 'trash' || mailbox.role === 'junk' ? (
        <FolderMenu mailbox={mailbox} onRename={onRename} />
      ) : null}
    </div>
  )
}

function FolderMenu({ mailbox, onRename }: { mailbox: Mailbox; onRename: () => void }): JSX.Element {
  const webmail = useWebmail()
  const own = mailbox.role === null
  return (
    <Menu
      label={`Folder ${mailbox.name}`}
      align="end"
      trigger={(attributes) => (
        <IconButton
          class="folder-more"
          size="small"
          icon="more"
          label={`More for ${mailbox.name}`}
          {...attributes}
        />
      )}
      entries={[
        ...(own
          ? [
              { label: 'Rename or move', icon: 'draft' as const, run: onRename },
              {
                label: 'Delete',
                icon: 'trash' as const,
                danger: true,
                run: () => void remove(webmail, mailbox),
              },
            ]
          : [
              {
                label: 'Empty',
                icon: 'trash' as const,
                danger: true,
                run: () => void empty(webmail, mailbox),
              },
            ]),
      ]}
    />
  )
}

async function remove(webmail: Webmail, mailbox: Mailbox): Promise<void> {
  const sure = await confirm({
    title: `Delete “${mailbox.name}”?`,
    text:
      mailbox.totalEmails === 0 ? 'It is empty.' : `Its ${mailbox.totalEmails} messages are deleted with it.`,
    confirm: 'Delete',
    danger: true,
  })
  if (!sure) return
  try {
    checkSet(
      await webmail.client.call<SetResponse>('Mailbox/set', {
        destroy: [mailbox.id],
        onDestroyRemoveEmails: true,
      }),
    )
    webmail.router.go('')
    await webmail.store.refresh()
  } catch (error) {
    toastError(error, 'Could not delete the folder')
  }
}

async function empty(webmail: Webmail, mailbox: Mailbox): Promise<void> {
  const sure = await confirm({
    title: `Empty “${mailbox.name}”?`,
    text: `${plural(mailbox.totalEmails, 'message')} will be gone for good.`,
    confirm: 'Empty it',
    danger: true,
  })
  if (sure) await emptyMailbox(webmail.scene, mailbox.id)
}

function FolderDialog({ editing, onClose }: { editing: Editing; onClose: () => void }): JSX.Element {
  const webmail = useWebmail()
  const old = editing.kind === 'rename' ? editing.mailbox : null
  const name = useSignal(old?.name ?? '')
  const parent = useSignal<string>(old?.parentId ?? '')
  const problem = useSignal<string | undefined>(undefined)
  const save = async (): Promise<void> => {
    const value = { name: name.value.trim(), parentId: parent.value === '' ? null : parent.value }
    const change =
      old === null ? { create: { new: { ...value, isSubscribed: true } } } : { update: { [old.id]: value } }
    try {
      checkSet(await webmail.client.call<SetResponse>('Mailbox/set', change))
      await webmail.store.refresh()
      toast(old === null ? `Folder “${value.name}” made` : 'Folder changed')
      onClose()
    } catch (error) {
      problem.value =
        error instanceof JmapError && error.type === 'invalidProperties'
          ? 'There is a folder of that name, or the name cannot be used.'
          : error instanceof Error
            ? error.message
            : String(error)
    }
  }
  const options = treeOf(webmail.store.mailboxes.value)
    .filter(({ mailbox }) => mailbox.id !== old?.id)
    .map(({ mailbox, depth }) => ({ value: mailbox.id, label: `${'\u2003'.repeat(depth)}${mailbox.name}` }))
  return (
    <Dialog
      title={old === null ? 'New folder' : `Folder “${old.name}”`}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" disabled={name.value.trim() === ''} onClick={() => void save()}>
            {old === null ? 'Make' : 'Save'}
          </Button>
        </>
      }
    >
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <TextField
          label="Name"
          value={name.value}
          onInput={(value) => (name.value = value)}
          problem={problem.value}
          autofocus
        />
        <SelectField
          label="Inside"
          value={parent.value}
          options={[{ value: '', label: 'Top' }, ...options]}
          onChange={(value) => (parent.value = value)}
        />
      </form>
    </Dialog>
  )
}
