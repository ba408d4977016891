// Something that a part of the page reads when it is shown.
import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'

export type Fetched<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'there'; readonly value: T }
  | { readonly state: 'failed'; readonly reason: string }

/** Reads again when `key` changes; an answer to an older key is dropped. */
export function useFetched<T>(key: string, read: () => Promise<T>): Signal<Fetched<T>> {
  const fetched = useSignal<Fetched<T>>({ state: 'loading' })
  useEffect(() => {
    let wanted = true
    fetched.value = { state: 'loading' }
    read().then(
      (value) => {
        if (wanted) fetched.value = { state: 'there', value }
      },
      (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error)
        if (wanted) fetched.value = { state: 'failed', reason }
      },
    )
    return () => {
      wanted = false
    }
  }, [key])
  return fetched
}

/** A path's text. Rejects with what the server said. */
export async function readText(path: string): Promise<string> {
  const response = await fetch(path)
  if (!response.ok) throw new Error(`The server answered ${response.status}.`)
  return response.text()
}
