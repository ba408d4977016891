// What is done to the queue: each order of `posthorn queue`, to one recipient, to messages that were chosen, or to all that a filter shows.
import type { JSX } from 'preact'
import { signal } from '@preact/signals'
import { useSignal } from '@preact/signals'
import { plural } from '../shared/format.ts'
import { type IconName } from '../shared/ui/icon.tsx'
import type { MenuEntry } from '../shared/ui/menu.tsx'
import { confirm } from '../shared/ui/dialog.tsx'
import { SelectField, TextField } from '../shared/ui/field.tsx'
import { toast, toastError } from '../shared/ui/toast.tsx'
import { useAsked } from './asked.ts'
import { FormDialog } from './form-dialog.tsx'
import { ask } from './operations.ts'

/** As the operations take it. */
export interface QueueFilter {
  readonly message?: string
  readonly domain?: string
  readonly sender?: string
  readonly recipient?: string
  readonly state?: 'waiting' | 'active' | 'held' | 'settled'
}

export interface Subject {
  /** Each is ordered on its own. */
  readonly filters: readonly QueueFilter[]
  /** "3 messages", "ann@example.org". */
  readonly words: string
  readonly onDone: () => void
}

type OrderName = 'hold' | 'release' | 'retry' | 'fail' | 'discard' | 'reroute'

interface Order {
  readonly label: string
  readonly icon: IconName
  /** Behind a number of recipients. */
  readonly done: string
  readonly danger?: boolean
}

const orders: Readonly<Record<OrderName, Order>> = {
  retry: { label: 'Retry now', icon: 'refresh', done: 'due now' },
  hold: { label: 'Hold…', icon: 'pause', done: 'held' },
  release: { label: 'Release', icon: 'play', done: 'released' },
  reroute: { label: 'Reroute…', icon: 'forward', done: 'rerouted' },
  fail: { label: 'Fail, with a report…', icon: 'reply', done: 'given up', danger: true },
  discard: { label: 'Discard, without a report…', icon: 'trash', done: 'discarded', danger: true },
}

const asking = signal<{ readonly order: 'hold' | 'fail' | 'reroute'; readonly subject: Subject } | null>(null)

async function give(order: OrderName, subject: Subject, more: object = {}): Promise<void> {
  let changed = 0
  for (const filter of subject.filters) {
    changed += (await ask(`queue.${order}`, { filter, ...more })).changed
  }
  toast(
    changed === 0
      ? `Nothing was changed: no recipient of ${subject.words} could be ${orders[order].done}`
      : `${plural(changed, 'recipient')} ${orders[order].done}`,
  )
  subject.onDone()
}

/** Asks what is to be asked, gives the order, and says what came of it. */
export async function order(name: OrderName, subject: Subject): Promise<void> {
  if (name === 'hold' || name === 'fail' || name === 'reroute') {
    asking.value = { order: name, subject }
    return
  }
  const question = {
    title: `Discard ${subject.words}?`,
    text: 'It is not sent any more, and its sender is told nothing. This cannot be undone.',
    confirm: 'Discard',
    danger: true,
  }
  if (name === 'discard' && !(await confirm(question))) return
  try {
    await give(name, subject)
  } catch (error) {
    toastError(error)
  }
}

export function orderEntries(subject: Subject): MenuEntry[] {
  const entry = (name: OrderName): MenuEntry => {
    const { label, icon, danger = false } = orders[name]
    return { label, icon, danger, run: () => void order(name, subject) }
  }
  return [
    entry('retry'),
    entry('hold'),
    entry('release'),
    entry('reroute'),
    'rule',
    entry('fail'),
    entry('discard'),
  ]
}

function HoldDialog({ subject, onClose }: { subject: Subject; onClose: () => void }): JSX.Element {
  const reason = useSignal('')
  return (
    <FormDialog
      title={`Hold ${subject.words}`}
      action="Hold"
      onClose={onClose}
      onSubmit={async () => {
        await give('hold', subject, reason.value.trim() === '' ? {} : { reason: reason.value.trim() })
        onClose()
      }}
    >
      <p class="soft">It stays in the queue and is not tried until somebody releases it.</p>
      <TextField
        label="Why"
        placeholder="held by an operator"
        autofocus
        value={reason.value}
        onInput={(value) => (reason.value = value)}
      />
    </FormDialog>
  )
}

function FailDialog({ subject, onClose }: { subject: Subject; onClose: () => void }): JSX.Element {
  const reason = useSignal('')
  return (
    <FormDialog
      title={`Fail ${subject.words}`}
      action="Fail it"
      danger
      onClose={onClose}
      onSubmit={async () => {
        await give('fail', subject, reason.value.trim() === '' ? {} : { reason: reason.value.trim() })
        onClose()
      }}
    >
      <p class="soft">It is given up, and the sender gets a report with the reason. This cannot be undone.</p>
      <TextField
        label="Why"
        placeholder="given up by an operator"
        autofocus
        value={reason.value}
        onInput={(value) => (reason.value = value)}
      />
    </FormDialog>
  )
}

/** In the list of routes: as the configuration chooses. */
const usual = ''

function RerouteDialog({ subject, onClose }: { subject: Subject; onClose: () => void }): JSX.Element {
  const routes = useAsked('server.config', { prefix: 'relay.routes' })
  const chosen = useSignal(usual)
  const named = routesIn(routes.value?.find(({ key }) => key === 'relay.routes')?.value)
  return (
    <FormDialog
      title={`Reroute ${subject.words}`}
      action="Reroute"
      onClose={onClose}
      onSubmit={async () => {
        await give('reroute', subject, { route: chosen.value === usual ? null : chosen.value })
        onClose()
      }}
    >
      <SelectField
        label="Route"
        value={chosen.value}
        hint="Routes of relay.routes in the configuration; mx is the way by DNS."
        options={[
          { value: usual, label: 'the usual one, as the configuration chooses' },
          { value: 'mx', label: 'mx' },
          ...named.map(({ name, words }) => ({ value: name, label: words })),
        ]}
        onChange={(value) => (chosen.value = value)}
      />
    </FormDialog>
  )
}

/** What of `relay.routes` is needed here; whatever has no name is none. */
function routesIn(value: unknown): { readonly name: string; readonly words: string }[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((one: { name?: unknown; kind?: unknown; host?: unknown }) => {
    const { name, kind, host } = one
    if (typeof name !== 'string') return []
    return { name, words: [name, kind, host].filter((word) => typeof word === 'string').join(' · ') }
  })
}

/** Where orders ask their questions: once a page. */
export function OrderHost(): JSX.Element | null {
  const now = asking.value
  if (now === null) return null
  const onClose = (): void => {
    asking.value = null
  }
  const { subject } = now
  if (now.order === 'hold') return <HoldDialog subject={subject} onClose={onClose} />
  if (now.order === 'fail') return <FailDialog subject={subject} onClose={onClose} />
  return <RerouteDialog subject={subject} onClose={onClose} />
}
