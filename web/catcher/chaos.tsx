// Failures on purpose: rules that strike the same way each time, and chance.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { api } from '../shared/api.ts'
import { plural } from '../shared/format.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { SelectField, TextField } from '../shared/ui/field.tsx'
import { Empty, Notice } from '../shared/ui/states.tsx'
import { toast, toastError } from '../shared/ui/toast.tsx'
import { useFetched } from './fetched.ts'
import { Shown } from './shown.tsx'
import { apiPath, type ChaosState } from './state.ts'

type Rule = ChaosState['rules'][number]
type Triggers = ChaosState['triggers']
type Stage = Rule['rule']['stage']
type Act = Rule['rule']['action']['type']

const stages: readonly { value: Stage; label: string }[] = [
  { value: 'connect', label: 'connection' },
  { value: 'starttls', label: 'STARTTLS' },
  { value: 'ehlo', label: 'EHLO' },
  { value: 'auth', label: 'AUTH' },
  { value: 'mail', label: 'MAIL FROM' },
  { value: 'rcpt', label: 'RCPT TO' },
  { value: 'data', label: 'DATA' },
  { value: 'body', label: 'the message, on its way' },
  { value: 'end', label: 'the end of the message' },
  { value: 'quit', label: 'QUIT' },
]

const acts: readonly { value: Act; label: string }[] = [
  { value: 'reply', label: 'refuse' },
  { value: 'delay', label: 'answer late' },
  { value: 'drop', label: 'close the connection' },
  { value: 'tls-failure', label: 'break the handshake' },
  { value: 'slow', label: 'read slowly' },
]

function describeAction(action: Rule['rule']['action']): string {
  switch (action.type) {
    case 'reply':
      return `${action.code}${action.text === undefined ? '' : ` ${action.text}`}${action.close ? ', and close' : ''}`
    case 'delay':
      return `${action.time / 1000} s late`
    case 'drop':
      return action.how === 'reset' ? 'cut the connection' : 'close the connection'
    case 'tls-failure':
      return action.how === 'garbage' ? 'octets that are no TLS' : 'close instead of a handshake'
    case 'slow':
      return `${action.rate} octets a second`
  }
}

function describeWhen({ rule }: Rule): string {
  const { sender, recipient, username, client, subject, first, skip, every, connections, probability, per } =
    rule
  const parts = [
    sender === undefined ? '' : `from ${sender}`,
    recipient === undefined ? '' : `to ${recipient}`,
    username === undefined ? '' : `user ${username}`,
    client === undefined ? '' : `client ${client}`,
    subject === undefined ? '' : `subject ${subject}`,
    skip === undefined ? '' : `after the first ${skip}`,
    first === undefined ? '' : `the first ${first}`,
    every === undefined ? '' : `every ${every}th`,
    per === 'server' ? '' : `for each ${per}`,
    connections === undefined ? '' : `with more than ${connections} connections`,
    probability < 100 ? `in ${probability} %` : '',
  ]
  return parts.filter((part) => part !== '').join(', ') || 'always'
}

function RuleRow({ one, onChanged }: { one: Rule; onChanged: () => void }): JSX.Element {
  const { name, struck, rule } = one
  const remove = async (): Promise<void> => {
    try {
      await api.delete(apiPath(`/chaos/rules/${encodeURIComponent(name)}`))
      onChanged()
    } catch (error) {
      toastError(error, 'The rule was not removed')
    }
  }
  return (
    <li class="check-row check-link">
      <Badge tone="plum">{stages.find(({ value }) => value === rule.stage)?.label}</Badge>
      <span class="grow">
        <span class="mono">{describeAction(rule.action)}</span>
        <span class="soft small"> · {describeWhen(one)}</span>
      </span>
      <span class="faint small num">{plural(struck, 'time')}</span>
      <IconButton icon="trash" size="small" label={`Remove rule ${name}`} onClick={() => void remove()} />
    </li>
  )
}

function actionOf(kind: Act, values: { code: string; text: string; seconds: string }): object {
  switch (kind) {
    case 'reply':
      return {
        type: 'reply',
        code: Number(values.code),
        ...(values.text !== '' && { text: values.text }),
        close: values.code === '421',
      }
    case 'delay':
      return { type: 'delay', time: `${values.seconds}s` }
    case 'drop':
      return { type: 'drop', how: 'close' }
    case 'tls-failure':
      return { type: 'tls-failure', how: 'garbage' }
    case 'slow':
      return { type: 'slow', rate: 1024 }
  }
}

interface Draft {
  readonly stage: Stage
  readonly kind: Act
  readonly code: string
  readonly text: string
  readonly seconds: string
  readonly recipient: string
  readonly first: string
}

const blank: Draft = {
  ...{ stage: 'rcpt', kind: 'reply', code: '451', text: '', seconds: '5', recipient: '', first: '' },
}

const stagesWithRecipients: readonly Stage[] = ['rcpt', 'data', 'body', 'end']

/** What can be done at that stage. */
function actsAt(stage: Stage): typeof acts {
  return acts.filter(
    ({ value }) =>
      (value !== 'tls-failure' || stage === 'starttls') && (value !== 'slow' || stage === 'body'),
  )
}

function ruleOf(draft: Draft): object {
  const { stage, recipient, first } = draft
  const kind = actsAt(stage).some(({ value }) => value === draft.kind) ? draft.kind : 'reply'
  return {
    name: `${stage} ${Date.now().toString(36)}`,
    stage,
    action: actionOf(kind, draft),
    ...(stagesWithRecipients.includes(stage) && recipient !== '' && { recipient }),
    ...(first !== '' && { first: Number(first) }),
  }
}

function RuleFields({ draft, set }: { draft: Draft; set: (change: Partial<Draft>) => void }): JSX.Element {
  const { stage, kind, code, text, seconds, recipient, first } = draft
  return (
    <div class="form-grid">
      <SelectField label="At" value={stage} options={stages} onChange={(value) => set({ stage: value })} />
      <SelectField
        label="Do"
        value={kind}
        options={actsAt(stage)}
        onChange={(value) => set({ kind: value })}
      />
      {kind === 'reply' ? (
        <>
          <TextField
            label="Code"
            inputMode="numeric"
            pattern="[45][0-9][0-9]"
            required
            value={code}
            onInput={(value) => set({ code: value })}
          />
          <TextField
            label="Text"
            placeholder="Come back later"
            value={text}
            onInput={(value) => set({ text: value })}
          />
        </>
      ) : null}
      {kind === 'delay' ? (
        <TextField
          label="Seconds"
          inputMode="decimal"
          value={seconds}
          onInput={(value) => set({ seconds: value })}
        />
      ) : null}
      {stagesWithRecipients.includes(stage) ? (
        <TextField
          label="For recipients that match"
          placeholder="ann@"
          value={recipient}
          onInput={(value) => set({ recipient: value })}
        />
      ) : null}
      <TextField
        label="Only the first … times"
        inputMode="numeric"
        pattern="[1-9][0-9]*"
        value={first}
        onInput={(value) => set({ first: value })}
      />
    </div>
  )
}

function NewRule({ onChanged }: { onChanged: () => void }): JSX.Element {
  const draft = useSignal(blank)
  const problem = useSignal<string | undefined>(undefined)
  const add = async (): Promise<void> => {
    problem.value = undefined
    try {
      await api.post(apiPath('/chaos/rules'), ruleOf(draft.value))
      toast('From now on it strikes')
      onChanged()
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error)
    }
  }
  return (
    <form
      class="card stack"
      onSubmit={(event) => {
        event.preventDefault()
        void add()
      }}
    >
      <h2>Add a rule</h2>
      <RuleFields draft={draft.value} set={(change) => (draft.value = { ...draft.value, ...change })} />
      {problem.value === undefined ? null : <Notice tone="bad">{problem.value}</Notice>}
      <p>
        <Button type="submit" tone="primary" icon="bolt">
          Add
        </Button>
      </p>
    </form>
  )
}

const triggerNames = { sender: 'Senders', recipient: 'Recipients', authentication: 'Log-ins' } as const

function Chance({ triggers, onChanged }: { triggers: Triggers; onChanged: () => void }): JSX.Element {
  const set = async (name: keyof Triggers, change: Partial<Triggers['sender']>): Promise<void> => {
    try {
      await api.put(apiPath('/chaos'), {
        triggers: { ...triggers, [name]: { ...triggers[name], ...change } },
      })
      onChanged()
    } catch (error) {
      toastError(error, 'Nothing was changed')
    }
  }
  return (
    <section class="card stack">
      <h2>By chance</h2>
      {(Object.keys(triggerNames) as (keyof Triggers)[]).map((name) => {
        const { errorCode, probability } = triggers[name]
        return (
          <div key={name} class="row row-wrap chance">
            <span class="label chance-name">{triggerNames[name]}</span>
            <input
              type="range"
              class="grow"
              min={0}
              max={100}
              step={5}
              value={probability}
              style={{ '--chance': probability }}
              onInput={({ currentTarget }) =>
                currentTarget.style.setProperty('--chance', currentTarget.value)
              }
              aria-label={`${triggerNames[name]}: refused in percent`}
              onChange={(event) => void set(name, { probability: Number(event.currentTarget.value) })}
            />
            <span class="num chance-percent">{probability} %</span>
            <TextField
              label={`${triggerNames[name]}: code`}
              hideLabel
              class="mono chance-code"
              inputMode="numeric"
              value={String(errorCode)}
              onInput={(value) => {
                if (/^[45]\d\d$/.test(value)) void set(name, { errorCode: Number(value) })
              }}
            />
          </div>
        )
      })}
    </section>
  )
}

export function ChaosPage(): JSX.Element {
  const version = useSignal(0)
  const state = useFetched(String(version.value), () => api.get<ChaosState>(apiPath('/chaos')))
  const again = (): void => {
    version.value++
  }
  const clear = async (): Promise<void> => {
    await api.put(apiPath('/chaos'), { rules: [] }).catch((error: unknown) => toastError(error))
    again()
  }
  return (
    <div class="page">
      <header class="row">
        <div class="grow">
          <h1 class="title">Chaos</h1>
          <p class="soft">
            Failures on purpose. A rule strikes the same way on each run; the seed says what chance does.
          </p>
        </div>
      </header>
      <Shown of={state.value}>
        {({ enabled, rules, triggers, seed }) =>
          enabled ? (
            <>
              <section class="card">
                <header class="card-head">
                  <h2>Rules</h2>
                  <Button
                    size="small"
                    icon="trash"
                    disabled={rules.length === 0}
                    onClick={() => void clear()}
                  >
                    Remove all
                  </Button>
                </header>
                {rules.length === 0 ? (
                  <p class="soft">None: everything is taken. Seed {seed}.</p>
                ) : (
                  <ul class="check-rows">
                    {rules.map((one) => (
                      <RuleRow key={one.name} one={one} onChanged={again} />
                    ))}
                  </ul>
                )}
              </section>
              <NewRule onChanged={again} />
              <Chance triggers={triggers} onChanged={again} />
            </>
          ) : (
            <Empty title="Chaos is switched off">
              <p>
                Set <code>catcher.chaos.enabled</code> to allow it.
              </p>
            </Empty>
          )
        }
      </Shown>
    </div>
  )
}
