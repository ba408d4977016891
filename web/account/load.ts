// Something loaded when a component appears, and again when asked to.
import { useEffect, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'

export interface Loaded<T> {
  readonly value: T | null
  readonly error: string | null
  readonly reload: () => void
}

export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const value = useSignal<T | null>(null)
  const error = useSignal<string | null>(null)
  const asked = useRef(0)
  const reload = (): void => {
    const mine = ++asked.current
    load().then(
      (loaded) => {
        // Of several, the one asked for last is the newest.
        if (mine !== asked.current) return
        value.value = loaded
        error.value = null
      },
      (failure: unknown) => {
        if (mine === asked.current) error.value = failure instanceof Error ? failure.message : String(failure)
      },
    )
  }
  useEffect(reload, [])
  return { value: value.value, error: error.value, reload }
}
