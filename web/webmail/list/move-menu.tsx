// Where to move conversations to.
import type { JSX } from 'preact'
import type { Id } from '../../shared/jmap/types.ts'
import { IconButton } from '../../shared/ui/button.tsx'
import { Menu, type MenuEntry } from '../../shared/ui/menu.tsx'
import { useWebmail } from '../context.ts'
import { treeOf } from '../sidebar.tsx'
import { moveTo, setKeyword } from '../store/actions.ts'

interface MoveMenuProps {
  readonly threadIds: readonly Id[]
  readonly onMoved?: () => void
}

const labels = [
  ['$important', 'Important'],
  ['work', 'Work'],
  ['personal', 'Personal'],
  ['later', 'Later'],
] as const

export function MoveMenu({ threadIds, onMoved }: MoveMenuProps): JSX.Element {
  const webmail = useWebmail()
  const entries = (): MenuEntry[] => [
    { title: 'Move to' },
    ...treeOf(webmail.store.mailboxes.value)
      .filter(({ mailbox }) => mailbox.role !== 'drafts' && mailbox.id !== webmail.scene.mailboxId)
      .map(({ mailbox, depth }) => ({
        label: `${'\u2002'.repeat(depth * 2)}${mailbox.name === 'INBOX' ? 'Inbox' : mailbox.name}`,
        icon: 'folder' as const,
        run: () => {
          onMoved?.()
          void moveTo(webmail.scene, threadIds, mailbox.id)
        },
      })),
    { title: 'Label' },
    ...labels.map(([keyword, label]) => {
      const on = threadIds.every((id) =>
        webmail.store.threadEmails(id).some(({ keywords }) => keywords[keyword] === true),
      )
      return {
        label,
        checked: on,
        run: () =>
          void setKeyword(webmail.scene, threadIds, {
            keyword,
            on: !on,
            done: on ? `No longer ${label}` : `Labelled ${label}`,
          }),
      }
    }),
  ]
  return (
    <Menu
      label="Move or label"
      align="end"
      entries={entries}
      trigger={(attributes) => (
        <IconButton class="move-button" icon="folder" label="Move or label" shortcut="v" {...attributes} />
      )}
    />
  )
}
