// Where messages are written: at the foot of the window, beside what is read; on a phone in front of everything.
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { useWebmail } from '../context.ts'
import { IconButton } from '../../shared/ui/button.tsx'
import { ComposeWindow } from './compose-window.tsx'
import { watchDraggedFiles } from './dragged-files.ts'

export function ComposeDock(): JSX.Element {
  const webmail = useWebmail()
  useEffect(watchDraggedFiles, [])
  return (
    <>
      {webmail.drafts.value.length === 0 && webmail.threadId.value === null ? (
        <IconButton
          class="compose-float only-phone"
          tone="primary"
          icon="draft"
          label="Write"
          onClick={() => webmail.compose({ kind: 'new' })}
        />
      ) : null}
      <div class="compose-dock no-print">
        {webmail.drafts.value.map((draft) => (
          <ComposeWindow key={draft.key} opened={draft} />
        ))}
      </div>
    </>
  )
}
