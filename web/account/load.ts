// Something loaded when a component appears, and again when asked to.
import { useEffect } from 'preact/hooks'
import { useSignal } from '@preact/signals'

export interface Loaded<T> {
  readonly value: T | null
  readonly error: string | null
  readonly reload: () => void
}

export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const value = useSignal<T | null>(null)
  const error = useSignal<string | null>(null)
  const reload = (): void => {
    load().then(
      (loaded) => {
        value.value = loaded
        error.value = null
      },
      (failure: unknown) => (error.value = failure instanceof Error ? failure.message : String(failure)),
    )
  }
  useEffect(reload, [])
  return { value: value.value, error: error.value, reload }
}
