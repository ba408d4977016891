// The search box: the language of `search-language.ts`, with what was understood shown as chips below, and what can be written on focus.
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { useShortcuts } from '../shared/keys.ts'
import { parseSearch } from '../shared/mail/search-language.ts'
import { Chip } from '../shared/ui/badge.tsx'
import { IconButton } from '../shared/ui/button.tsx'
import { Icon } from '../shared/ui/icon.tsx'
import { useWebmail } from './context.ts'

const hints = [
  ['from:ann', 'sent by'],
  ['to:bob', 'sent to'],
  ['subject:"spring trip"', 'in the subject'],
  ['has:attachment', 'with files'],
  ['is:unread', 'not read yet'],
  ['in:archive', 'in a folder'],
  ['after:2026-01-01', 'since a day'],
  ['larger:5M', 'above a size'],
  ['-newsletter', 'without a word'],
] as const

export function SearchBox(): JSX.Element {
  const webmail = useWebmail()
  const place = webmail.place.value
  // null: what is searched for now. What somebody is writing is his until he leaves it or searches for it.
  const written = useSignal<string | null>(null)
  const focused = useSignal(false)
  const input = useRef<HTMLInputElement>(null)
  const current = place.kind === 'search' ? place.text : ''
  const text = written.value ?? current
  useEffect(() => {
    if (!focused.peek()) written.value = null
  }, [current])
  useShortcuts('Anywhere', [{ keys: '/', label: 'Search', run: () => input.current?.focus() }])
  const search = (value: string): void => {
    written.value = null
    if (value.trim() === '') webmail.router.go('')
    else webmail.goTo({ kind: 'search', text: value.trim() })
  }
  const insert = (term: string): void => {
    written.value = `${text.trim()} ${term}`.trim()
    input.current?.focus()
  }
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        search(text)
        input.current?.blur()
      }}
      onFocusOut={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) focused.value = false
      }}
    >
      <div class="with-icon">
        <Icon name="search" />
        <input
          ref={input}
          class="input search-input"
          type="search"
          aria-label="Search mail"
          placeholder="Search mail"
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={(event) => (written.value = event.currentTarget.value)}
          onFocus={() => (focused.value = true)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') event.currentTarget.blur()
          }}
        />
        {text === '' ? null : (
          <IconButton
            class="search-clear"
            size="small"
            icon="close"
            label="Clear the search"
            onClick={() => search('')}
          />
        )}
      </div>
      {focused.value ? <SearchHelp text={text} insert={insert} /> : null}
    </form>
  )
}

function SearchHelp({ text, insert }: { text: string; insert: (term: string) => void }): JSX.Element {
  const terms = parseSearch(text).filter(({ field }) => field !== null)
  return (
    <div class="search-help">
      {terms.length === 0 ? null : (
        <div class="row row-wrap">
          {terms.map((term, index) => (
            <Chip key={index} bad={term.wrong}>
              {term.field === 'or' ? 'or' : `${term.negated ? 'not ' : ''}${term.field ?? ''}: ${term.value}`}
            </Chip>
          ))}
        </div>
      )}
      <ul role="list" class="search-hints">
        {hints.map(([term, about]) => (
          <li key={term}>
            <button
              type="button"
              class="menu-item"
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => insert(term)}
            >
              <code>{term}</code> <span class="menu-end">{about}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}
