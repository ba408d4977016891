// What was asked for, once it is there; what is said meanwhile, and what when it fails.
import type { ComponentChildren, JSX } from 'preact'
import { Failed, Notice, Skeleton } from '../shared/ui/states.tsx'
import type { Asked } from './asked.ts'

interface ShownProps<T> {
  readonly of: Asked<T>
  readonly title: string
  readonly children: (value: T) => ComponentChildren
}

export function Shown<T>({ of, title, children }: ShownProps<T>): JSX.Element {
  const { value, failure, reload } = of
  if (value === null && failure !== null) {
    return <Failed title={title} reason={failure} retry={() => void reload()} />
  }
  if (value === null) return <Skeleton lines={5} />
  return (
    <>
      {failure === null ? null : <Notice tone="warn">This may be old: {failure}</Notice>}
      {children(value)}
    </>
  )
}
