// Addresses as tokens, completed from people known from mail (WAI-ARIA combobox pattern).
import type { JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import type { EmailAddress } from '../../shared/jmap/types.ts'
import { Chip, Stamp } from '../../shared/ui/badge.tsx'
import { useWebmail } from '../context.ts'
import { formatAddress, looksLikeAddress, parseAddresses } from './addresses.ts'

interface AddressInputProps {
  readonly label: string
  readonly people: readonly EmailAddress[]
  readonly onChange: (people: readonly EmailAddress[]) => void
  readonly autofocus?: boolean
  /** What stands at the end of the line: the ways to more fields. */
  readonly end?: JSX.Element | null
}

export function AddressInput({
  label,
  people,
  onChange,
  autofocus = false,
  end = null,
}: AddressInputProps): JSX.Element {
  const { contacts } = useWebmail()
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const text = useSignal('')
  const at = useSignal(0)
  const taken = new Set(people.map(({ email }) => email.toLowerCase()))
  // The attribute alone works only where nothing has the focus yet.
  useEffect(() => void (autofocus && input.current?.focus()), [])
  void contacts.version.value
  const found = contacts.suggest(text.value, taken)
  const add = (more: readonly EmailAddress[]): void => {
    text.value = ''
    at.value = 0
    const fresh = more.filter(({ email }) => !taken.has(email.toLowerCase()))
    if (fresh.length > 0) onChange([...people, ...fresh])
  }
  const commit = (): void => add(parseAddresses(text.value))
  const onKeyDown = (event: KeyboardEvent): void => {
    const suggestion = found[at.value]
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (found.length === 0) return
      event.preventDefault()
      at.value = (at.value + (event.key === 'ArrowDown' ? 1 : -1) + found.length) % found.length
    } else if (
      (event.key === 'Enter' || event.key === 'Tab') &&
      suggestion !== undefined &&
      !event.ctrlKey &&
      !event.metaKey
    ) {
      event.preventDefault()
      add([suggestion])
    } else if (['Enter', ',', ';'].includes(event.key) && text.value.trim() !== '') {
      event.preventDefault()
      commit()
    } else if (event.key === 'Backspace' && text.value === '') onChange(people.slice(0, -1))
    else if (event.key === 'Escape' && text.value !== '') {
      event.stopPropagation()
      text.value = ''
    }
  }
  return (
    <div
      class="compose-line"
      onClick={(event) => event.target === event.currentTarget && input.current?.focus()}
    >
      <label for={id} class="compose-label">
        {label}
      </label>
      <div class="address-tokens">
        <Tokens people={people} onChange={onChange} />
        <input
          ref={input}
          id={id}
          class="address-text"
          type="text"
          inputMode="email"
          role="combobox"
          aria-autocomplete="list"
          aria-expanded={found.length > 0}
          aria-controls={`${id}-list`}
          aria-activedescendant={found.length > 0 ? `${id}-${at.value}` : undefined}
          autocomplete="off"
          spellcheck={false}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value
            at.value = 0
          }}
          onKeyDown={onKeyDown}
          onPaste={(event) => {
            const pasted = event.clipboardData?.getData('text') ?? ''
            if (!/[,;\n]/.test(pasted)) return
            event.preventDefault()
            add(parseAddresses(pasted))
          }}
          onBlur={commit}
        />
        <Suggestions id={id} found={found} at={at.value} onChoose={(person) => add([person])} />
      </div>
      {end}
    </div>
  )
}

function Tokens({ people, onChange }: Pick<AddressInputProps, 'people' | 'onChange'>): JSX.Element {
  return (
    <>
      {people.map((person) => (
        <span key={person.email} data-tip={person.email}>
          <Chip
            bad={!looksLikeAddress(person.email)}
            removeLabel={`Remove ${formatAddress(person)}`}
            onRemove={() => onChange(people.filter((one) => one !== person))}
          >
            {person.name ?? person.email}
          </Chip>
        </span>
      ))}
    </>
  )
}

interface SuggestionsProps {
  readonly id: string
  readonly found: readonly EmailAddress[]
  readonly at: number
  readonly onChoose: (person: EmailAddress) => void
}

function Suggestions({ id, found, at, onChoose }: SuggestionsProps): JSX.Element | null {
  if (found.length === 0) return null
  return (
    <ul id={`${id}-list`} class="suggestions" role="listbox" aria-label="People">
      {found.map((person, index) => (
        <li
          key={person.email}
          id={`${id}-${index}`}
          role="option"
          class="menu-item"
          aria-selected={index === at}
          onMouseDown={(event) => {
            event.preventDefault()
            onChoose(person)
          }}
        >
          <Stamp name={person.name ?? ''} email={person.email} size={28} />
          <span class="cut">
            {person.name ?? person.email}{' '}
            {person.name === null ? null : <span class="faint small">{person.email}</span>}
          </span>
        </li>
      ))}
    </ul>
  )
}
