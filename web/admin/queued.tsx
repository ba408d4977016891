// One message of the queue: where each recipient stands, and every attempt with what the other side said, verbatim.
import type { JSX } from 'preact'
import { formatDate, formatRelative, formatSize, plural } from '../shared/format.ts'
import { useShortcuts } from '../shared/keys.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { Icon } from '../shared/ui/icon.tsx'
import { Menu } from '../shared/ui/menu.tsx'
import { useAsked } from './asked.ts'
import { Fact } from './head.tsx'
import type { QueuedMessage, QueuedRecipient } from './operations.ts'
import { order, orderEntries, OrderHost, type Subject } from './orders.tsx'
import { Shown } from './shown.tsx'
import { router } from './state.ts'
import { standing } from './words.ts'

type Attempt = NonNullable<QueuedRecipient['last']>

const outcomeTones = {
  delivered: 'good',
  relayed: 'good',
  failed: 'bad',
  deferred: 'warn',
  unknown: 'warn',
  held: 'warn',
} as const

function AttemptLine({ attempt }: { attempt: Attempt }): JSX.Element {
  const { at, host, address, tls, verification, policy, stage, outcome, reply } = attempt
  const tone = Object.entries(outcomeTones).find(([name]) => name === outcome)?.[1] ?? 'plain'
  const facts = [
    host === null ? null : address === null || address === host ? host : `${host} [${address}]`,
    tls ?? (host === null ? null : 'no TLS'),
    verification === null ? null : `verified: ${verification}`,
    policy === null ? null : `policy: ${policy}`,
    `at ${stage}`,
  ].filter((fact) => fact !== null)
  return (
    <li class="step">
      <span class={`step-mark step-${tone}`} aria-hidden="true">
        <Icon name={tone === 'good' ? 'check' : tone === 'bad' ? 'close' : 'clock'} />
      </span>
      <div class="stack stack-s">
        <div class="row row-wrap">
          <Badge tone={tone}>{outcome}</Badge>
          <time class="small" title={formatDate(Date.parse(at))}>
            {formatDate(Date.parse(at))}
          </time>
          <span class="faint small">{facts.join(' · ')}</span>
        </div>
        {reply === '' ? null : <pre class="reply">{reply}</pre>}
      </div>
    </li>
  )
}

function Recipient({ recipient, subject }: { recipient: QueuedRecipient; subject: Subject }): JSX.Element {
  const { address, attempts, nextAttempt, reason, route, history = [] } = recipient
  const { word, tone } = standing(recipient)
  return (
    <section class="card" aria-label={address}>
      <div class="card-head">
        <h2 class="card-title cut">{address}</h2>
        <span class="row">
          <Badge tone={tone}>{word}</Badge>
          {recipient.state === 'settled' ? null : (
            <Menu
              label={address}
              align="end"
              trigger={(attributes) => (
                <IconButton {...attributes} icon="more" label={`Orders for ${address}`} />
              )}
              entries={() => orderEntries(subject)}
            />
          )}
        </span>
      </div>
      <dl class="facts">
        {reason === '' ? null : (
          <Fact label={recipient.state === 'held' ? 'Held because' : 'Waits because'}>{reason}</Fact>
        )}
        <Fact label="Attempts">{attempts}</Fact>
        {nextAttempt === null ? null : (
          <Fact label="Next attempt">
            {formatRelative(Date.parse(nextAttempt))}{' '}
            <span class="faint small">{formatDate(Date.parse(nextAttempt))}</span>
          </Fact>
        )}
        {route === null ? null : <Fact label="Rerouted to">{route}</Fact>}
      </dl>
      {history.length === 0 ? null : (
        <>
          <h3 class="label attempts-title">Attempts</h3>
          <ol class="steps" role="list">
            {history.toReversed().map((attempt, index) => (
              <AttemptLine key={index} attempt={attempt} />
            ))}
          </ol>
        </>
      )}
    </section>
  )
}

function Head({ message, subject }: { message: QueuedMessage; subject: Subject }): JSX.Element {
  const { name, from, finished } = message
  return (
    <header class="row row-wrap account-head">
      <IconButton
        icon="arrow-left"
        label="Back to the queue"
        shortcut="u"
        onClick={() => router.go('queue')}
      />
      <div class="grow">
        <h1 class="title cut">{from === '' ? 'A report, without a sender' : from}</h1>
        <p class="faint small mono cut">{name}</p>
      </div>
      {finished === null ? null : <Badge tone="plain">over</Badge>}
      <Button icon="search" onClick={() => router.go(`trace?${new URLSearchParams({ text: name })}`)}>
        Trace
      </Button>
      {finished === null ? (
        <>
          <Button icon="refresh" onClick={() => void order('retry', subject)}>
            Retry now
          </Button>
          <Menu
            label="Orders for the message"
            align="end"
            trigger={(attributes) => (
              <IconButton {...attributes} icon="more" tone="plain" label="Orders for the message" />
            )}
            entries={() => orderEntries(subject)}
          />
        </>
      ) : null}
    </header>
  )
}

export function QueuedPage({ name }: { name: string }): JSX.Element {
  const message = useAsked('queue.show', { message: name }, { every: 4000 })
  const subject: Subject = {
    filters: [{ message: name }],
    words: 'this message',
    onDone: () => void message.reload(),
  }
  useShortcuts('Message', [
    { keys: 'u', label: 'Back to the queue', run: () => router.go('queue') },
    { keys: 'r', label: 'Retry now', run: () => void order('retry', subject) },
    { keys: 'h', label: 'Hold', run: () => void order('hold', subject) },
    { keys: 'l', label: 'Release', run: () => void order('release', subject) },
  ])
  return (
    <div class="page">
      <Shown of={message} title="The message could not be shown">
        {(found) => {
          const { origin, sender, bytes, arrived, expires, finished, messageId, priority, recipients } = found
          return (
            <>
              <Head message={found} subject={subject} />
              <section class="card" aria-label="The message">
                <dl class="facts">
                  <Fact label="Arrived">
                    {formatDate(Date.parse(arrived))} <span class="faint">by {origin}</span>
                  </Fact>
                  {finished === null ? (
                    <Fact label="Given up">
                      {formatRelative(Date.parse(expires))}{' '}
                      <span class="faint small">{formatDate(Date.parse(expires))}</span>
                    </Fact>
                  ) : (
                    <Fact label="Over">{formatDate(Date.parse(finished))}</Fact>
                  )}
                  <Fact label="Counted for">{sender}</Fact>
                  <Fact label="Size">{formatSize(bytes)}</Fact>
                  {messageId === null ? null : (
                    <Fact label="Message-ID">
                      <span class="mono">{messageId}</span>
                    </Fact>
                  )}
                  {priority === 0 ? null : <Fact label="Priority">{priority}</Fact>}
                  <Fact label="For">{plural(recipients.length, 'recipient')}</Fact>
                </dl>
              </section>
              {recipients.map((recipient) => (
                <Recipient
                  key={recipient.address}
                  recipient={recipient}
                  subject={{
                    filters: [{ message: name, recipient: recipient.address }],
                    words: recipient.address,
                    onDone: subject.onDone,
                  }}
                />
              ))}
              <OrderHost />
            </>
          )
        }}
      </Shown>
    </div>
  )
}
