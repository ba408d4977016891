// What a part of the page asks the server for, and asks again: at a rhythm while somebody looks, or when told to. What was known stays in
// sight until there is something newer.
import { type Signal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { type AdminAnswer, type AdminOperationName, ask, reasonOf } from './operations.ts'
import { isWatched } from './state.ts'

export interface Asked<T> {
  readonly value: T | null
  /** Why the newest asking came to nothing. */
  readonly failure: string | null
  readonly loading: boolean
  reload(): Promise<void>
}

interface Options {
  /** Milliseconds between two askings; absent: once. */
  readonly every?: number
}

interface State<T> {
  readonly key: string
  readonly value: T | null
  readonly failure: string | null
  readonly loading: boolean
}

/** Asks when it is first shown, and again with other parameters. */
export function useAsked<Name extends AdminOperationName>(
  name: Name,
  parameters: object = {},
  { every }: Options = {},
): Asked<AdminAnswer<Name>> {
  const key = JSON.stringify([name, parameters])
  const state: Signal<State<AdminAnswer<Name>>> = useSignal<State<AdminAnswer<Name>>>({
    ...{ key, value: null, failure: null },
    loading: true,
  })
  const wanted = useRef(key)
  wanted.current = key
  const reload = async (): Promise<void> => {
    const mine = wanted.current
    try {
      const value = await ask(name, parameters)
      if (wanted.current === mine) state.value = { key: mine, value, failure: null, loading: false }
    } catch (error) {
      if (wanted.current !== mine) return
      const known = state.peek()
      const value = known.key === mine ? known.value : null
      state.value = { key: mine, value, failure: reasonOf(error), loading: false }
    }
  }
  useEffect(() => {
    state.value = { ...state.peek(), loading: true }
    void reload()
    if (every === undefined) return undefined
    const timer = setInterval(() => {
      if (isWatched()) void reload()
    }, every)
    return () => clearInterval(timer)
  }, [key, every])
  useEffect(() => () => void (wanted.current = ''), [])
  const { value, failure, loading } = state.value
  return { value, failure, loading, reload }
}
