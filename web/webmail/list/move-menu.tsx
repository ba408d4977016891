// Where to move conversations to.
import type { JSX } from 'preact'
import { IconButton } from '../../shared/ui/button.tsx'
import { Menu, type MenuEntry } from '../../shared/ui/menu.tsx'
import { useWebmail } from '../context.ts'
import { roleIcons, treeOf } from '../sidebar.tsx'
import { moveTo, setKeyword, type Targets } from '../store/actions.ts'

interface MoveMenuProps {
  readonly targets: Targets
  readonly onMoved?: () => void
}

const labels = [
  ['$important', 'Important'],
  ['work', 'Work'],
  ['personal', 'Personal'],
  ['later', 'Later'],
] as const

export function MoveMenu({ targets, onMoved }: MoveMenuProps): JSX.Element {
  const webmail = useWebmail()
  const entries = (): MenuEntry[] => [
    { title: 'Move to' },
    ...treeOf(webmail.store.mailboxes.value)
      .filter(({ mailbox }) => mailbox.role !== 'drafts' && mailbox.id !== webmail.scene.mailboxId)
      .map(({ mailbox, depth }) => ({
        label: `${'\u2002'.repeat(depth * 2)}${mailbox.name === 'INBOX' ? 'Inbox' : mailbox.name}`,
        icon: roleIcons[mailbox.role ?? ''] ?? 'folder',
        run: () => {
          onMoved?.()
          void moveTo(webmail.scene, targets, mailbox.id)
        },
      })),
    { title: 'Label' },
    ...labels.map(([keyword, label]) => {
      // Of all, nobody knows: they get it.
      const on =
        targets !== 'all' &&
        targets.every((id) =>
          webmail.store.threadEmails(id).some(({ keywords }) => keywords[keyword] === true),
        )
      return {
        label,
        checked: on,
        run: () =>
          void setKeyword(webmail.scene, targets, {
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
