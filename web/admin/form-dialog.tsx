// A dialog with fields and one thing to do. It stays open, and says why, when the server says no.
import type { ComponentChildren, JSX } from 'preact'
import { useId } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { Button } from '../shared/ui/button.tsx'
import { Dialog } from '../shared/ui/dialog.tsx'
import { Notice } from '../shared/ui/states.tsx'
import { reasonOf } from './operations.ts'

interface FormDialogProps {
  readonly title: string
  /** The word on the button. */
  readonly action: string
  readonly danger?: boolean
  readonly disabled?: boolean
  readonly onClose: () => void
  /** Rejects with what is to be said; the dialog is closed by whoever opened it. */
  readonly onSubmit: () => Promise<void>
  readonly children: ComponentChildren
}

export function FormDialog(props: FormDialogProps): JSX.Element {
  const { title, action, danger = false, disabled = false, onClose, onSubmit, children } = props
  const id = useId()
  const busy = useSignal(false)
  const problem = useSignal<string | null>(null)
  const submit = async (): Promise<void> => {
    busy.value = true
    problem.value = null
    try {
      await onSubmit()
    } catch (error) {
      problem.value = reasonOf(error)
    } finally {
      busy.value = false
    }
  }
  return (
    <Dialog
      title={title}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone={danger ? 'danger' : 'primary'}
            type="submit"
            form={id}
            busy={busy.value}
            disabled={disabled}
          >
            {action}
          </Button>
        </>
      }
    >
      <form
        id={id}
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        {problem.value === null ? null : <Notice tone="bad">{problem.value}</Notice>}
        {children}
      </form>
    </Dialog>
  )
}
