// Modal dialogs on the browser's own `<dialog>`: it keeps the focus inside, closes on Escape. The focus goes back to where it was.
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { signal } from '@preact/signals'
import { Button, IconButton } from './button.tsx'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ComponentChildren
  readonly foot?: ComponentChildren
  readonly wide?: boolean
}

/** Open for as long as it is rendered. */
export function Dialog({ title, onClose, children, foot, wide = false }: DialogProps): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const dialog = ref.current
    if (dialog === null) return undefined
    const before = document.activeElement
    if (!dialog.open) dialog.showModal()
    return () => {
      dialog.close()
      // It is out of the document by now, so that the browser gives nothing back.
      if (before instanceof HTMLElement && document.activeElement === document.body) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={ref}
      class={`dialog ${wide ? 'dialog-wide' : ''}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => {
        if (event.target === ref.current) onClose()
      }}
    >
      <div class="dialog-head">
        <h2 id={id}>{title}</h2>
        <IconButton icon="close" label="Close" onClick={onClose} />
      </div>
      <div class="dialog-body">{children}</div>
      {foot === undefined ? null : <div class="dialog-foot">{foot}</div>}
    </dialog>
  )
}

interface Question {
  readonly title: string
  readonly text: ComponentChildren
  readonly confirm: string
  readonly danger?: boolean
}

const asked = signal<(Question & { answer: (yes: boolean) => void }) | null>(null)

/** Asks before what cannot be undone. Resolves to whether the user agreed. */
export function confirm(question: Question): Promise<boolean> {
  return new Promise((resolve) => {
    asked.value = {
      ...question,
      answer(yes) {
        asked.value = null
        resolve(yes)
      },
    }
  })
}

/** Where `confirm` shows its questions: once a page. */
export function ConfirmHost(): JSX.Element | null {
  const question = asked.value
  if (question === null) return null
  return (
    <Dialog
      title={question.title}
      onClose={() => question.answer(false)}
      foot={
        <>
          <Button onClick={() => question.answer(false)}>Cancel</Button>
          <Button
            tone={question.danger === true ? 'danger' : 'primary'}
            onClick={() => question.answer(true)}
            autofocus
          >
            {question.confirm}
          </Button>
        </>
      }
    >
      <p>{question.text}</p>
    </Dialog>
  )
}
