// What is fetched, once it is there.
import type { ComponentChildren, JSX } from 'preact'
import type { Fetched } from './fetched.ts'
import { Failed, Loading } from '../shared/ui/states.tsx'

interface ShownProps<T> {
  readonly of: Fetched<T>
  readonly waiting?: string
  readonly children: (value: T) => ComponentChildren
}

export function Shown<T>({ of, waiting, children }: ShownProps<T>): JSX.Element {
  if (of.state === 'loading') return <Loading {...(waiting !== undefined && { label: waiting })} />
  if (of.state === 'failed') return <Failed title="That could not be read" reason={of.reason} />
  return <>{children(of.value)}</>
}
