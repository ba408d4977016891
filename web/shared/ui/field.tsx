// Labelled controls of forms: text, choice, long text, check box, switch. Label, hint and problem are tied to the control.
import type { ComponentChildren, InputHTMLAttributes, JSX, Ref, TextareaHTMLAttributes } from 'preact'
import { useId } from 'preact/hooks'
import { Icon } from './icon.tsx'

interface FieldProps {
  readonly label: string
  readonly hint?: ComponentChildren
  /** What is wrong with the value, in words that help. */
  readonly problem?: string | undefined
  readonly hideLabel?: boolean
}

interface FrameProps extends FieldProps {
  readonly id: string
  readonly children: ComponentChildren
}

function Frame({ id, label, hint, problem, hideLabel, children }: FrameProps): JSX.Element {
  return (
    <div class="field">
      <label for={id} class={hideLabel === true ? 'visually-hidden' : ''}>
        {label}
      </label>
      {children}
      {problem === undefined ? null : (
        <p class="problem" id={`${id}-problem`}>
          <Icon name="warn" /> {problem}
        </p>
      )}
      {hint === undefined ? null : (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

function describedBy(id: string, { hint, problem }: FieldProps): string | undefined {
  const ids = [problem === undefined ? '' : `${id}-problem`, hint === undefined ? '' : `${id}-hint`]
  const text = ids.join(' ').trim()
  return text === '' ? undefined : text
}

type InputAttributes = Omit<
  InputHTMLAttributes<HTMLInputElement>,
  'label' | 'onInput' | 'value' | 'ref' | 'class'
>

export interface TextFieldProps extends FieldProps, InputAttributes {
  readonly value: string
  readonly onInput: (value: string) => void
  readonly class?: string
  readonly inputRef?: Ref<HTMLInputElement>
}

export function TextField(props: TextFieldProps): JSX.Element {
  const id = useId()
  const { label, hint, problem, hideLabel, onInput, inputRef, class: more, ...rest } = props
  // The union over `type` of Preact's attributes is lost by the rest.
  const attributes = rest as InputHTMLAttributes<HTMLInputElement>
  const frame = { label, hint, problem, ...(hideLabel === undefined ? {} : { hideLabel }) }
  return (
    <Frame id={id} {...frame}>
      <input
        {...attributes}
        id={id}
        ref={inputRef ?? null}
        class={`input ${more ?? ''}`}
        aria-invalid={problem !== undefined}
        aria-describedby={describedBy(id, frame)}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </Frame>
  )
}

export interface TextAreaProps
  extends
    FieldProps,
    Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, 'label' | 'onInput' | 'value' | 'class'> {
  readonly class?: string
  readonly value: string
  readonly onInput: (value: string) => void
}

export function TextArea(props: TextAreaProps): JSX.Element {
  const id = useId()
  const { label, hint, problem, hideLabel, onInput, class: more, ...rest } = props
  const frame = { label, hint, problem, ...(hideLabel === undefined ? {} : { hideLabel }) }
  return (
    <Frame id={id} {...frame}>
      <textarea
        {...rest}
        id={id}
        class={`textarea ${more ?? ''}`}
        aria-invalid={problem !== undefined}
        aria-describedby={describedBy(id, frame)}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </Frame>
  )
}

export interface SelectFieldProps<T extends string> extends FieldProps {
  readonly value: T
  readonly options: readonly { readonly value: T; readonly label: string }[]
  readonly onChange: (value: T) => void
  readonly disabled?: boolean
}

export function SelectField<T extends string>(props: SelectFieldProps<T>): JSX.Element {
  const id = useId()
  const { value, options, onChange, disabled = false, ...frame } = props
  return (
    <Frame id={id} {...frame}>
      <select
        id={id}
        class="select"
        value={value}
        disabled={disabled}
        aria-describedby={describedBy(id, frame)}
        onChange={(event) => {
          const chosen = options[event.currentTarget.selectedIndex]
          if (chosen !== undefined) onChange(chosen.value)
        }}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </Frame>
  )
}

interface ToggleProps {
  readonly label: ComponentChildren
  readonly hint?: ComponentChildren
  readonly checked: boolean
  readonly onChange: (checked: boolean) => void
  readonly disabled?: boolean
}

function Toggle({ kind, ...props }: ToggleProps & { kind: 'checkbox' | 'switch' }): JSX.Element {
  const id = useId()
  return (
    <label class="check" for={id}>
      <input
        id={id}
        type="checkbox"
        role={kind === 'switch' ? 'switch' : undefined}
        class={kind}
        checked={props.checked}
        disabled={props.disabled === true}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      <span>
        {props.label}
        {props.hint === undefined ? null : <span class="faint small"> {props.hint}</span>}
      </span>
    </label>
  )
}

export function CheckBox(props: ToggleProps): JSX.Element {
  return <Toggle kind="checkbox" {...props} />
}

/** For what takes effect at once. */
export function Switch(props: ToggleProps): JSX.Element {
  return <Toggle kind="switch" {...props} />
}

interface SegmentsProps<T extends string> {
  readonly label: string
  readonly value: T
  readonly options: readonly { readonly value: T; readonly label: ComponentChildren }[]
  readonly onChange: (value: T) => void
}

/** A choice of two to five that changes what is shown. */
export function Segments<T extends string>(props: SegmentsProps<T>): JSX.Element {
  return (
    <div class="segments" role="group" aria-label={props.label}>
      {props.options.map(({ value, label }) => (
        <button
          type="button"
          key={value}
          class="segment"
          aria-pressed={value === props.value}
          onClick={() => props.onChange(value)}
        >
          {label}
        </button>
      ))}
    </div>
  )
}
