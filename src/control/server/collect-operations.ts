// `collect.now`: visits the providers that keep mail for us, without waiting for their time. A running server alone can do it.
import { z } from 'zod'
import { operation, type Operation, RefusedOperation } from './operation.ts'

/** Whoever visits them; what a visit came to is passed on as it is. */
export interface CollectNow {
  readonly names: readonly string[]
  now(name: string | undefined): Promise<readonly unknown[]>
}

export function collectOperations(collecting: CollectNow): Record<string, Operation> {
  return {
    'collect.now': operation(z.strictObject({ name: z.string().optional() }), async ({ name }) => {
      const { names } = collecting
      if (names.length === 0) throw new RefusedOperation('`collect` in the configuration names no provider.')
      if (name !== undefined && !names.includes(name)) {
        throw new RefusedOperation(`No provider is called ${name}; there are ${names.join(', ')}.`)
      }
      return collecting.now(name)
    }),
  }
}
