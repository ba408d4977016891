// The search: Mailpit's language, with its words at hand.
import type { JSX, RefObject } from 'preact'
import { useSignal, useSignalEffect } from '@preact/signals'
import { IconButton } from '../shared/ui/button.tsx'
import { Dialog } from '../shared/ui/dialog.tsx'
import { Icon } from '../shared/ui/icon.tsx'
import { place, query, router } from './state.ts'

const words: readonly (readonly [example: string, means: string])[] = [
  ['"your code"', 'those words, next to one another'],
  ['from:ann@x.test', 'the sender; also to:, cc:, bcc:, reply-to:'],
  ['addressed:ann@x.test', 'any of them'],
  ['subject:"sign up"', 'the subject'],
  ['message-id:abc@x', 'the Message-ID'],
  ['tag:invoice', 'with that tag'],
  ['is:unread', 'also is:read, is:tagged'],
  ['has:attachment', 'also has:inline, has:attachments'],
  ['before:2026-11-01', 'also after:'],
  ['larger:1M', 'also smaller:'],
  ['-from:ann@x.test', 'not that one; ! is the same'],
]

const typingPause = 250

export function SearchField({ inputRef }: { inputRef: RefObject<HTMLInputElement | null> }): JSX.Element {
  const text = useSignal(query.value)
  const help = useSignal(false)
  const timer = useSignal(0)
  // Back and forward, and links of the side, change it too.
  useSignalEffect(() => {
    const now = query.value
    if (document.activeElement !== inputRef.current) text.value = now
  })
  const search = (value: string): void => {
    window.clearTimeout(timer.peek())
    router.go(place('', { q: value.trim() }), { replace: query.peek() !== '' })
  }
  return (
    <form
      class="search grow"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        search(text.value)
      }}
    >
      <div class="with-icon grow">
        <Icon name="search" />
        <input
          ref={inputRef}
          class="input search-input"
          type="search"
          aria-label="Search caught mail"
          placeholder="Search"
          value={text.value}
          onInput={(event) => {
            const { value } = event.currentTarget
            text.value = value
            window.clearTimeout(timer.peek())
            timer.value = window.setTimeout(() => search(value), typingPause)
          }}
          onKeyDown={(event) => {
            if (event.key === 'Escape') event.currentTarget.blur()
          }}
        />
      </div>
      <IconButton icon="help" label="What a search can say" onClick={() => (help.value = true)} />
      {help.value ? (
        <Dialog title="What a search can say" onClose={() => (help.value = false)}>
          <dl class="facts">
            {words.map(([example, means]) => (
              <>
                <dt>
                  <button
                    type="button"
                    class="example mono"
                    onClick={() => {
                      help.value = false
                      text.value = `${text.value} ${example}`.trim()
                      search(text.value)
                    }}
                  >
                    {example}
                  </button>
                </dt>
                <dd>{means}</dd>
              </>
            ))}
          </dl>
          <p class="soft small">Words side by side must all be there.</p>
        </Dialog>
      ) : null}
    </form>
  )
}
