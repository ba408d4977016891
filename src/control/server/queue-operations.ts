// The queue and the suppression list, for `posthorn queue` and `posthorn suppression`.
import { z } from 'zod'
import type { Events } from '../../events/event.ts'
import { queueOrdered } from '../../events/queue.ts'
import type { Ordered, QueueAdmin, QueueOrder } from '../../queue/admin.ts'
import { type Asker, operation, type Operation, RefusedOperation, question } from './operation.ts'

const filter = z.strictObject({
  message: z.string().optional(),
  domain: z.string().optional(),
  sender: z.string().optional(),
  recipient: z.string().optional(),
  state: z.enum(['waiting', 'active', 'held', 'settled']).optional(),
})

const filtered = z.strictObject({ filter })

/** Messages of one page of `queue.list`. */
const pageLimit = 1000

interface QueueParts {
  readonly queueAdmin: QueueAdmin
  readonly events: Events
}

export function queueOperations({ queueAdmin, events }: QueueParts): Record<string, Operation> {
  const order = async (asked: z.output<typeof filter>, what: QueueOrder, { operator }: Asker) => {
    const result = granted(await queueAdmin.order(given(asked), what))
    const by = operator.name
    if (result.changed > 0) await tellOrdered({ queueAdmin, events }, asked, { what, by, ...result })
    return result
  }
  return {
    'queue.list': question(
      z.strictObject({
        filter: filter.default({}),
        after: z.int().optional(),
        limit: z.int().min(1).max(pageLimit).default(pageLimit),
        finished: z.enum(['with', 'without']).default('without'),
      }),
      ({ filter: asked, after, limit, finished }) =>
        queueAdmin.list({ filter: given(asked), limit, finished, ...(after === undefined ? {} : { after }) }),
    ),
    'queue.show': question(z.strictObject({ message: z.string() }), async ({ message }) => {
      const shown = await queueAdmin.show(message)
      if (shown === undefined) throw new RefusedOperation(noMessage(message))
      return shown
    }),
    'queue.totals': question(z.strictObject({}).optional(), () => queueAdmin.totals()),
    'queue.shape': question(z.strictObject({}).optional(), () => queueAdmin.shape()),
    'queue.hold': operation(
      z.strictObject({ filter, reason: z.string().min(1).default('held by an operator') }),
      ({ filter: asked, reason }, asker) => order(asked, { type: 'hold', reason }, asker),
    ),
    'queue.release': operation(filtered, ({ filter: asked }, asker) =>
      order(asked, { type: 'release' }, asker),
    ),
    'queue.retry': operation(filtered, ({ filter: asked }, asker) => order(asked, { type: 'retry' }, asker)),
    'queue.fail': operation(
      z.strictObject({ filter, reason: z.string().min(1).default('given up by an operator') }),
      ({ filter: asked, reason }, asker) => order(asked, { type: 'fail', reason }, asker),
    ),
    'queue.discard': operation(filtered, ({ filter: asked }, asker) =>
      order(asked, { type: 'discard' }, asker),
    ),
    'queue.reroute': operation(
      z.strictObject({ filter, route: z.string().nullable() }),
      ({ filter: asked, route }, asker) => order(asked, { type: 'reroute', route }, asker),
    ),
    'suppression.list': question(z.strictObject({}).optional(), () => queueAdmin.suppressions()),
    'suppression.add': operation(
      z.strictObject({
        address: z.string(),
        reason: z.string().min(1).default('by an operator'),
        /** Milliseconds since the epoch; null is for ever. */
        until: z.int().nullable().default(null),
      }),
      async ({ address, reason, until }) => granted(await queueAdmin.suppress(address, reason, until)),
    ),
    'suppression.remove': operation(z.strictObject({ address: z.string() }), async ({ address }) =>
      granted(await queueAdmin.unsuppress(address)),
    ),
  }
}

/** So that what became of a message can be told with what people did to it. */
async function tellOrdered(
  { queueAdmin, events }: QueueParts,
  { message, recipient = '', domain = '', sender = '', state }: z.output<typeof filter>,
  { what, by, changed }: { readonly what: QueueOrder; readonly by: string; readonly changed: number },
): Promise<void> {
  // It may have been named by its number.
  const named = message === undefined ? undefined : await queueAdmin.show(message)
  const reason =
    what.type === 'reroute' ? (what.route ?? 'the usual route') : 'reason' in what ? what.reason : ''
  events.emit(queueOrdered, {
    ...{ order: what.type, by, message: named?.name ?? message ?? '' },
    ...{ recipient, domain, sender, reason, state: state ?? '', recipients: changed },
  })
}

/** Without the keys that were not given. */
function given<T extends object>(asked: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  // Only what is undefined is left out, so that each key left has its type without it.
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}

function noMessage(message: string): string {
  return `There is no message "${message}" in the queue. \`queue list --finished\` shows those that are.`
}

function granted(ordered: Ordered): { readonly changed: number } {
  if (!ordered.ok) throw new RefusedOperation(ordered.message)
  return { changed: ordered.changed }
}
