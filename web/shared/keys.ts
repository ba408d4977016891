// Keyboard shortcuts: whatever is on the page registers its own, `?` shows them all. A shortcut is a key (`j`, `#`, `Escape`,
// `mod+Enter`) or two after one another (`g i`). They rest while somebody writes or a dialog is open, except those with `mod+`.
import { useEffect, useRef } from 'preact/hooks'
import { signal, type Signal } from '@preact/signals'

export interface Shortcut {
  readonly keys: string
  readonly label: string
  readonly run: (event: KeyboardEvent) => void
  /** Not in the overview: another way to do the same. */
  readonly hidden?: boolean
}

interface Registered {
  readonly title: string
  readonly list: () => readonly Shortcut[]
}

export const helpOpen: Signal<boolean> = signal(false)
const registered: Registered[] = []
const sequenceTime = 5000
const apple = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform)

/** Registers them for as long as the component lives. Later ones win over earlier ones. */
export function useShortcuts(title: string, shortcuts: readonly Shortcut[]): void {
  const newest = useRef(shortcuts)
  newest.current = shortcuts
  useEffect(() => {
    const entry: Registered = { title, list: () => newest.current }
    registered.push(entry)
    return () => {
      registered.splice(registered.indexOf(entry), 1)
    }
  }, [title])
}

/** What is registered now, by title, in the order it came. */
export function listShortcuts(): { title: string; shortcuts: Shortcut[] }[] {
  const groups = new Map<string, Shortcut[]>()
  for (const { title, list } of registered) {
    groups.set(title, [...(groups.get(title) ?? []), ...list().filter(({ hidden }) => hidden !== true)])
  }
  return [...groups].map(([title, shortcuts]) => ({ title, shortcuts }))
}

/** Key by key, as a person reads them. */
export function showKeys(keys: string): string[] {
  const names: Record<string, string> = {
    mod: apple ? '⌘' : 'Ctrl',
    Escape: 'Esc',
    ArrowUp: '↑',
    ArrowDown: '↓',
    Enter: '↵',
    Delete: 'Del',
  }
  return keys.split(/[ +](?=.)/).map((key) => names[key] ?? key)
}

function nameOf(event: KeyboardEvent): string {
  const mod = apple ? event.metaKey : event.ctrlKey
  const shift = event.shiftKey && (event.key.length > 1 || mod) ? 'shift+' : ''
  return `${mod ? 'mod+' : ''}${shift}${event.key.length === 1 && mod ? event.key.toLowerCase() : event.key}`
}

function isWriting(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement) return !/^(checkbox|radio|button|range)$/.test(target.type)
  return target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName)
}

let pending = ''
let pendingSince = 0

/** Finds and runs the shortcut of a key pressed. Exported for frames, which hand their keys on. */
export function handleKey(event: KeyboardEvent, target: EventTarget | null = event.target): void {
  if (event.defaultPrevented || event.isComposing || event.altKey) return
  const name = nameOf(event)
  const global = name.startsWith('mod+')
  if (!global && (isWriting(target) || document.querySelector('dialog[open]') !== null)) return
  const now = event.timeStamp
  const sequence = now - pendingSince < sequenceTime && pending !== '' ? `${pending} ${name}` : name
  pending = ''
  const all = registered.flatMap(({ list }) => list()).reverse()
  const found = all.find(({ keys }) => keys === sequence) ?? all.find(({ keys }) => keys === name)
  if (found !== undefined) {
    event.preventDefault()
    found.run(event)
  } else if (all.some(({ keys }) => keys.startsWith(`${name} `))) {
    pending = name
    pendingSince = now
  } else if (name === '?' || name === 'shift+?') {
    event.preventDefault()
    helpOpen.value = true
  }
}

/** Called once a page. */
export function startKeys(): void {
  document.addEventListener('keydown', (event) => handleKey(event))
}
