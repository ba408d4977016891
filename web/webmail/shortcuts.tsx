// The keys of the webmail, in the ways of mutt and Gmail.
import type { Id } from '../shared/jmap/types.ts'
import { type Shortcut, useShortcuts } from '../shared/keys.ts'
import { undoLast } from '../shared/ui/toast.tsx'
import { useWebmail } from './context.ts'
import { choose, openRow } from './list/conversation-row.tsx'
import { markRead, moveToRole, setKeyword, toggleStar, trash } from './store/actions.ts'
import type { Targets } from './store/actions.ts'
import type { Webmail } from './store/webmail.ts'

function move(webmail: Webmail, step: number): void {
  const total = webmail.list.peek()?.total.peek() ?? 0
  const next = Math.max(0, Math.min(total - 1, webmail.cursor.peek() + step))
  webmail.cursor.value = next
  const threadId = webmail.threadAt(next)
  if (webmail.threadId.peek() !== null && threadId !== undefined) webmail.open(threadId)
}

/** The conversation below those, or above where there is none. */
function nextOf(webmail: Webmail, gone: Targets): Id | null {
  if (gone === 'all') return null
  const at = webmail.cursor.peek()
  const stays = (index: number): Id | undefined => {
    const threadId = webmail.threadAt(index)
    return threadId === undefined || gone.includes(threadId) ? undefined : threadId
  }
  for (let index = at; index < at + gone.length + 1; index++) {
    const below = stays(index)
    if (below !== undefined) return below
  }
  return stays(at - 1) ?? null
}

/** Does it with what is meant, and goes on to the next conversation where one was open. */
function act(webmail: Webmail, action: (targets: Targets) => Promise<void>, leaves: boolean): void {
  const targets = webmail.targets()
  if (targets.length === 0) return
  webmail.choose(new Set())
  const open = webmail.threadId.peek()
  const next = nextOf(webmail, targets)
  void action(targets)
  if (leaves && open !== null && (targets === 'all' || targets.includes(open))) webmail.open(next)
}

/** One more time takes it from one conversation; several get it. */
function star(webmail: Webmail, targets: Targets): Promise<void> {
  const [only] = targets
  if (targets !== 'all' && targets.length === 1 && only !== undefined) return toggleStar(webmail.scene, only)
  return setKeyword(webmail.scene, targets, { keyword: '$flagged', on: true, done: 'Starred' })
}

function goToRole(webmail: Webmail, role: string): void {
  const mailbox = webmail.store.byRole(role)
  if (mailbox !== undefined) webmail.goTo({ kind: 'mailbox', mailboxId: mailbox.id })
}

/** Presses a button of the conversation that is open. */
function press(selector: string): void {
  const buttons = document.querySelectorAll<HTMLElement>(selector)
  buttons[buttons.length - 1]?.click()
}

export function Shortcuts(): null {
  const webmail = useWebmail()
  const walking: Shortcut[] = [
    { keys: 'j', label: 'Next conversation', run: () => move(webmail, 1) },
    { keys: 'k', label: 'Previous conversation', run: () => move(webmail, -1) },
    { keys: 'ArrowDown', label: 'Next conversation', run: () => move(webmail, 1), hidden: true },
    { keys: 'ArrowUp', label: 'Previous conversation', run: () => move(webmail, -1), hidden: true },
    { keys: 'o', label: 'Open', run: () => openRow(webmail, webmail.cursor.peek()) },
    {
      keys: 'Enter',
      label: 'Open',
      hidden: true,
      run: (event) => {
        if (event.target instanceof HTMLElement && event.target.closest('a, button, summary') !== null)
          event.target.click()
        else openRow(webmail, webmail.cursor.peek())
      },
    },
    {
      keys: 'Escape',
      label: 'Back to the list',
      run: () => {
        if (webmail.chosen.peek().size > 0) webmail.choose(new Set())
        else webmail.open(null)
      },
    },
    { keys: 'x', label: 'Choose', run: () => void choose(webmail, webmail.cursor.peek(), false) },
    { keys: 'X', label: 'Choose up to here', run: () => void choose(webmail, webmail.cursor.peek(), true) },
  ]
  const doing: Shortcut[] = [
    {
      keys: 'e',
      label: 'Archive',
      run: () => act(webmail, (ids) => moveToRole(webmail.scene, ids, 'archive'), true),
    },
    { keys: '#', label: 'Delete', run: () => act(webmail, (ids) => trash(webmail.scene, ids), true) },
    {
      keys: 'Delete',
      label: 'Delete',
      hidden: true,
      run: () => act(webmail, (ids) => trash(webmail.scene, ids), true),
    },
    {
      keys: '!',
      label: 'Spam',
      run: () => act(webmail, (ids) => moveToRole(webmail.scene, ids, 'junk'), true),
    },
    {
      keys: 'u',
      label: 'Mark as unread',
      run: () => act(webmail, (ids) => markRead(webmail.scene, ids, false), false),
    },
    {
      keys: 'U',
      label: 'Mark as read',
      run: () => act(webmail, (ids) => markRead(webmail.scene, ids, true), false),
    },
    {
      keys: 's',
      label: 'Star',
      run: () => act(webmail, (targets) => star(webmail, targets), false),
    },
    { keys: 'v', label: 'Move or label', run: () => press('.move-button') },
    { keys: 'z', label: 'Undo', run: undoLast },
  ]
  const writing: Shortcut[] = [
    { keys: 'c', label: 'Write', run: () => webmail.compose({ kind: 'new' }) },
    { keys: 'r', label: 'Reply', run: () => press('[data-action=reply]') },
    { keys: 'a', label: 'Reply to all', run: () => press('[data-action=reply-all]') },
    { keys: 'f', label: 'Forward', run: () => press('[data-action=forward]') },
  ]
  const going: Shortcut[] = [
    { keys: 'g i', label: 'Inbox', run: () => goToRole(webmail, 'inbox') },
    { keys: 'g s', label: 'Starred', run: () => webmail.goTo({ kind: 'label', keyword: '$flagged' }) },
    { keys: 'g t', label: 'Sent', run: () => goToRole(webmail, 'sent') },
    { keys: 'g d', label: 'Drafts', run: () => goToRole(webmail, 'drafts') },
    { keys: 'g a', label: 'Archive', run: () => goToRole(webmail, 'archive') },
    { keys: 'g b', label: 'Trash', run: () => goToRole(webmail, 'trash') },
  ]
  useShortcuts('Moving', walking)
  useShortcuts('Doing', doing)
  useShortcuts('Writing', writing)
  useShortcuts('Going to', going)
  return null
}
