// A password that somebody else is to have: typed, or made here by chance; shown, since it has to be told.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { TextField } from '../shared/ui/field.tsx'
import { copyText } from '../shared/ui/copy.ts'

/** No letters or figures that are taken for one another. */
const letters = 'abcdefghjkmnpqrstuvwxyz23456789'
const length = 20

/** 99 bits, in groups of five. */
export function makePassword(): string {
  const chosen: string[] = []
  // A value beyond the last whole multiple would favour the first letters.
  const bound = 256 - (256 % letters.length)
  while (chosen.length < length) {
    for (const value of crypto.getRandomValues(new Uint8Array(length))) {
      if (value < bound && chosen.length < length) chosen.push(letters[value % letters.length] ?? '')
    }
  }
  return chosen.join('').replaceAll(/(.{5})(?=.)/g, '$1-')
}

interface PasswordFieldProps {
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
}

export function PasswordField({ label, value, onInput }: PasswordFieldProps): JSX.Element {
  const shown = useSignal(false)
  return (
    <div class="password-row">
      <TextField
        label={label}
        type={shown.value ? 'text' : 'password'}
        class={shown.value ? 'mono' : ''}
        autocomplete="new-password"
        required
        value={value}
        onInput={onInput}
      />
      <IconButton
        icon={shown.value ? 'eye-off' : 'eye'}
        label={shown.value ? 'Hide it' : 'Show it'}
        tone="plain"
        onClick={() => (shown.value = !shown.value)}
      />
      <Button
        onClick={() => {
          shown.value = true
          onInput(makePassword())
        }}
      >
        Make one
      </Button>
      <IconButton
        icon="copy"
        label="Copy it"
        tone="plain"
        disabled={value === ''}
        onClick={() => void copyText(value, 'Password')}
      />
    </div>
  )
}
