// A label of one's own, given to what is meant at once.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { Button } from '../../shared/ui/button.tsx'
import { Dialog } from '../../shared/ui/dialog.tsx'
import { TextField } from '../../shared/ui/field.tsx'
import { tryKeyword } from '../store/labels.ts'

interface LabelDialogProps {
  readonly onClose: () => void
  readonly onMade: (keyword: string) => void
}

export function LabelDialog({ onClose, onMade }: LabelDialogProps): JSX.Element {
  const name = useSignal('')
  const keyword = tryKeyword(name.value)
  return (
    <Dialog
      title="New label"
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form="label" disabled={keyword === null}>
            Label
          </Button>
        </>
      }
    >
      <form
        id="label"
        onSubmit={(event) => {
          event.preventDefault()
          if (keyword !== null) onMade(keyword)
        }}
      >
        <TextField
          label="Name"
          value={name.value}
          onInput={(value) => (name.value = value)}
          autofocus
          autocapitalize="off"
          hint={
            keyword === null || keyword === name.value.trim()
              ? 'Letters without accents, digits, dashes: other mail programs know it too.'
              : `It will be “${keyword}”, so that other mail programs know it too.`
          }
        />
      </form>
    </Dialog>
  )
}
