// Gives messages a tag: one that there is, or a new one.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { Dialog } from '../shared/ui/dialog.tsx'
import { TextField } from '../shared/ui/field.tsx'
import { addTag, tags } from './state.ts'

export function TagMenu({ ids }: { ids: readonly string[] }): JSX.Element {
  const open = useSignal(false)
  const name = useSignal('')
  const give = (tag: string): void => {
    if (tag.trim() === '') return
    open.value = false
    name.value = ''
    void addTag(ids, tag.trim())
  }
  return (
    <>
      <IconButton icon="tag" label="Tag" onClick={() => (open.value = true)} />
      {open.value ? (
        <Dialog
          title={ids.length === 1 ? 'Tag this message' : `Tag ${ids.length} messages`}
          onClose={() => (open.value = false)}
          foot={
            <Button tone="primary" disabled={name.value.trim() === ''} onClick={() => give(name.value)}>
              Add tag
            </Button>
          }
        >
          <form
            class="stack"
            onSubmit={(event) => {
              event.preventDefault()
              give(name.value)
            }}
          >
            <TextField label="Name" value={name.value} onInput={(value) => (name.value = value)} autofocus />
            {tags.value.length > 0 ? (
              <div class="row row-wrap">
                {tags.value.map((tag) => (
                  <Button key={tag.name} size="small" icon="tag" onClick={() => give(tag.name)}>
                    {tag.name}
                  </Button>
                ))}
              </div>
            ) : null}
          </form>
        </Dialog>
      ) : null}
    </>
  )
}
