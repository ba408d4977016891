// Where to move conversations to.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { IconButton } from '../../shared/ui/button.tsx'
import { Menu, type MenuEntry } from '../../shared/ui/menu.tsx'
import { useWebmail } from '../context.ts'
import { roleIcons, treeOf } from '../sidebar.tsx'
import { labelName } from '../store/labels.ts'
import { LabelDialog } from './label-dialog.tsx'
import { moveTo, setKeyword, type Targets } from '../store/actions.ts'

interface MoveMenuProps {
  readonly targets: Targets
  readonly onMoved?: () => void
}

export function MoveMenu({ targets, onMoved }: MoveMenuProps): JSX.Element {
  const webmail = useWebmail()
  const making = useSignal(false)
  const mark = (keyword: string, on: boolean): Promise<void> => {
    webmail.store.labels.learn([keyword])
    const name = labelName(keyword)
    const done = on ? `Labelled ${name}` : `No longer ${name}`
    return setKeyword(webmail.scene, targets, { keyword, on, done })
  }
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
    ...webmail.store.labels.offered.map((keyword) => {
      // Of all, nobody knows: they get it.
      const on =
        targets !== 'all' &&
        targets.every((id) =>
          webmail.store.threadEmails(id).some(({ keywords }) => keywords[keyword] === true),
        )
      return { label: labelName(keyword), checked: on, run: () => void mark(keyword, !on) }
    }),
    { label: 'New label…', icon: 'plus', run: () => (making.value = true) },
  ]
  return (
    <>
      <Menu
        label="Move or label"
        align="end"
        entries={entries}
        trigger={(attributes) => (
          <IconButton class="move-button" icon="folder" label="Move or label" shortcut="v" {...attributes} />
        )}
      />
      {making.value ? (
        <LabelDialog
          onClose={() => (making.value = false)}
          onMade={(keyword) => {
            making.value = false
            void mark(keyword, true)
          }}
        />
      ) : null}
    </>
  )
}
