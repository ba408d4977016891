// Light, dark, or as the system says. Tokens follow `color-scheme`, which follows this attribute.
import { signal, type Signal } from '@preact/signals'
import { readSetting, writeSetting } from './settings.ts'

export type Theme = 'system' | 'light' | 'dark'

export const theme: Signal<Theme> = signal<Theme>('system')

export function setTheme(value: Theme): void {
  theme.value = value
  writeSetting('theme', value)
  if (value === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = value
}

/** Called before the first render, so that nothing flashes. */
export function startTheme(): void {
  const kept = readSetting('theme', 'system')
  setTheme(kept === 'light' || kept === 'dark' ? kept : 'system')
}

/** Whether the page is dark now. */
export function isDark(): boolean {
  return (
    theme.value === 'dark' || (theme.value === 'system' && matchMedia('(prefers-color-scheme: dark)').matches)
  )
}
