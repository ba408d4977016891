// What others would make of a message: mail clients of its HTML, the Web of its links, receiving servers of its signatures.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import type * as schema from '../../src/catcher/api/schema.ts'
import { api } from '../shared/api.ts'
import { formatNumber, plural } from '../shared/format.ts'
import { Badge, type BadgeTone } from '../shared/ui/badge.tsx'
import { Button } from '../shared/ui/button.tsx'
import { CheckBox, TextArea, TextField } from '../shared/ui/field.tsx'
import { Empty, Notice } from '../shared/ui/states.tsx'
import { toastError } from '../shared/ui/toast.tsx'
import { useFetched } from './fetched.ts'
import { Shown } from './shown.tsx'
import { apiPath, type Detail, status } from './state.ts'

type HtmlCheck = (typeof schema.htmlCheck)['_output']
type LinkCheck = (typeof schema.linkCheck)['_output']
type SpamCheck = (typeof schema.spamCheck)['_output']
type AuthCheck = (typeof schema.authenticationCheck)['_output']
type Warning = HtmlCheck['warnings'][number]

function Meter({
  supported,
  partial,
  unsupported,
}: {
  supported: number
  partial: number
  unsupported: number
}): JSX.Element {
  const words = `${supported.toFixed(0)} % supported, ${partial.toFixed(0)} % partly, ${unsupported.toFixed(0)} % not`
  return (
    <span class="meter" role="img" aria-label={words} title={words}>
      <span class="meter-good" style={{ width: `${supported}%` }} />
      <span class="meter-warn" style={{ width: `${partial}%` }} />
      <span class="meter-bad" style={{ width: `${unsupported}%` }} />
    </span>
  )
}

function WarningRow({ warning }: { warning: Warning }): JSX.Element {
  const { title, description, url, category, score, results, notes } = warning
  const not = results.filter(({ support }) => support !== 'yes')
  return (
    <details class="check-row">
      <summary>
        <Badge tone={category === 'css' ? 'plum' : category === 'html' ? 'link' : 'teal'}>{category}</Badge>
        <span class="grow cut">{title}</span>
        <span class="faint small num">{plural(score.found, 'time')}</span>
        <Meter {...score} />
      </summary>
      <div class="stack stack-s">
        {description === '' ? null : <p class="soft">{description}</p>}
        <div class="table-room">
          <table class="table">
            <thead>
              <tr>
                <th>Client</th>
                <th>Version</th>
                <th>Support</th>
              </tr>
            </thead>
            <tbody>
              {not.map(({ name, platform, version, support, note }, index) => (
                <tr key={index}>
                  <td>
                    {name} <span class="faint">{platform}</span>
                  </td>
                  <td class="num">{version}</td>
                  <td>
                    <Badge tone={support === 'no' ? 'bad' : 'warn'}>
                      {support === 'no' ? 'no' : 'partly'}
                    </Badge>{' '}
                    <span class="soft small">{notes[note] ?? ''}</span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <a href={url} target="_blank" rel="noopener noreferrer">
          Can I email: {title}
        </a>
      </div>
    </details>
  )
}

export function HtmlChecks({ id }: { id: string }): JSX.Element {
  const check = useFetched(id, () => api.get<HtmlCheck>(apiPath(`/messages/${id}/checks/html`)))
  return (
    <Shown of={check.value} waiting="Looking at each element and style…">
      {({ total, warnings }) => (
        <div class="stack">
          <div class="score">
            <strong class="display num">{total.supported.toFixed(1)} %</strong>
            <div class="grow stack stack-s">
              <span class="soft">
                of {plural(total.tests, 'test')} in the mail clients that Can I email knows
              </span>
              <Meter {...total} />
            </div>
          </div>
          {warnings.length === 0 ? (
            <Empty title="Every client shows it" picture="done" />
          ) : (
            <div class="check-rows">
              {warnings.map((warning) => (
                <WarningRow key={warning.slug} warning={warning} />
              ))}
            </div>
          )}
        </div>
      )}
    </Shown>
  )
}

export function LinkChecks({ id }: { id: string }): JSX.Element {
  const follow = useSignal(false)
  const asked = useSignal(0)
  if (asked.value === 0) {
    return (
      <div class="stack">
        <p class="soft">
          Each link and picture is asked for, from this machine, without credentials. Hosts of this network
          are not.
        </p>
        <CheckBox
          label="Follow redirects"
          checked={follow.value}
          onChange={(value) => (follow.value = value)}
        />
        <p>
          <Button tone="primary" icon="link" onClick={() => asked.value++}>
            Check the links
          </Button>
        </p>
      </div>
    )
  }
  return <LinkResults id={id} follow={follow.value} again={() => (asked.value = 0)} />
}

function LinkResults({ id, follow, again }: { id: string; follow: boolean; again: () => void }): JSX.Element {
  const path = apiPath(`/messages/${id}/checks/links${follow ? '?follow=1' : ''}`)
  const check = useFetched(path, () => api.get<LinkCheck>(path))
  return (
    <Shown of={check.value} waiting="Asking for each link…">
      {({ errors, links }) => (
        <div class="stack">
          <div class="row">
            <span class="grow">
              {links.length === 0
                ? 'It has no links.'
                : errors === 0
                  ? `All ${formatNumber(links.length)} links are there.`
                  : `${plural(errors, 'link')} of ${formatNumber(links.length)} ${errors === 1 ? 'is' : 'are'} broken.`}
            </span>
            <Button icon="refresh" onClick={again}>
              Again
            </Button>
          </div>
          <ul class="check-rows">
            {links.map(({ url, ok, statusCode, status: words, finalUrl }) => (
              <li key={url} class="check-row check-link">
                <Badge tone={ok ? 'good' : 'bad'}>
                  {statusCode === 0 ? 'no answer' : String(statusCode)}
                </Badge>
                <span class="grow">
                  <a href={url} target="_blank" rel="noopener noreferrer" class="break">
                    {url}
                  </a>
                  {finalUrl === '' || finalUrl === url ? null : (
                    <div class="faint small break">→ {finalUrl}</div>
                  )}
                </span>
                <span class="soft small">{words}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </Shown>
  )
}

function toneOf(result: string): BadgeTone {
  if (result === 'pass') return 'good'
  if (result === 'fail' || result === 'permerror') return 'bad'
  return result === 'none' || result === 'neutral' ? 'plain' : 'warn'
}

function Verdict({
  name,
  result,
  reason,
  about,
}: {
  name: string
  result: string
  reason: string
  about: string
}): JSX.Element {
  return (
    <li class="check-row check-link">
      <strong class="verdict-name">{name}</strong>
      <Badge tone={toneOf(result)}>{result}</Badge>
      <span class="grow soft break">{[about, reason].filter((text) => text !== '').join(' · ')}</span>
    </li>
  )
}

function Verdicts({ check }: { check: AuthCheck }): JSX.Element {
  const { spf, dkim, dmarc, arc, dns, asked } = check
  return (
    <div class="stack">
      <ul class="check-rows">
        <Verdict name="SPF" {...spf} about={`${spf.domain} ${spf.record}`} />
        {dkim.length === 0 ? <Verdict name="DKIM" result="none" reason="" about="it is not signed" /> : null}
        {dkim.map((one, index) => (
          <Verdict
            key={index}
            name="DKIM"
            {...one}
            about={`${one.domain}, selector ${one.selector}, ${one.algorithm}${one.aligned ? ', aligned' : ', not aligned'}`}
          />
        ))}
        <Verdict name="DMARC" {...dmarc} about={`${dmarc.domain} ${dmarc.record}`} />
        {arc.instances > 0 ? <Verdict name="ARC" {...arc} about={plural(arc.instances, 'seal')} /> : null}
      </ul>
      <p class="soft small">
        {dns === 'zone' ? 'By the DNS records above.' : 'By the real DNS.'}
        {asked.length > 0 ? ` Asked for: ${asked.join(', ')}.` : ''}
      </p>
    </div>
  )
}

function Authentication({ id }: { id: string }): JSX.Element {
  const zone = useSignal('')
  const address = useSignal('')
  const result = useSignal<AuthCheck | null>(null)
  const busy = useSignal(false)
  const run = async (): Promise<void> => {
    busy.value = true
    try {
      const body = {
        ...(zone.value.trim() !== '' && { zone: zone.value }),
        ...(address.value.trim() !== '' && { address: address.value.trim() }),
      }
      result.value = await api.post<AuthCheck>(apiPath(`/messages/${id}/checks/authentication`), body)
    } catch (error) {
      toastError(error, 'The check could not be made')
    } finally {
      busy.value = false
    }
  }
  return (
    <section class="card stack">
      <h2>SPF, DKIM, DMARC</h2>
      <p class="soft">
        As a receiver would judge it if it came from that address and DNS said the following.
        {status.value?.zone === true
          ? ' Without records here those of the configuration hold.'
          : ' Without records the real DNS is asked.'}
      </p>
      <TextField
        label="Comes from"
        placeholder="192.0.2.1"
        value={address.value}
        onInput={(value) => (address.value = value)}
      />
      <TextArea
        label="DNS records"
        class="mono"
        rows={4}
        placeholder={
          'shop.example. TXT "v=spf1 ip4:192.0.2.1 -all"\ns1._domainkey.shop.example. TXT "v=DKIM1; p=…"'
        }
        value={zone.value}
        onInput={(value) => (zone.value = value)}
      />
      <p>
        <Button tone="primary" icon="shield" busy={busy.value} onClick={() => void run()}>
          Judge it
        </Button>
      </p>
      {result.value === null ? null : <Verdicts check={result.value} />}
    </section>
  )
}

function Unsubscribe({ message }: { message: Detail }): JSX.Element {
  const { header, post, links, oneClick, signed, problems } = message.listUnsubscribe
  return (
    <section class="card stack">
      <h2>Unsubscribing</h2>
      {header === '' ? (
        <p class="soft">
          It has no List-Unsubscribe field. Large receivers want one in mail that goes to many.
        </p>
      ) : (
        <>
          <Notice tone={oneClick ? 'good' : 'warn'}>
            {oneClick
              ? 'One click unsubscribes, as RFC 8058 wants it.'
              : 'It cannot be unsubscribed from with one click.'}
          </Notice>
          <dl class="facts">
            <dt>List-Unsubscribe</dt>
            <dd class="mono break">{header}</dd>
            <dt>-Post</dt>
            <dd class="mono break">{post || 'absent'}</dd>
            <dt>Links</dt>
            <dd>{links.join(', ') || 'none'}</dd>
            <dt>Signed</dt>
            <dd>{signed ? 'both fields are covered by DKIM' : 'no DKIM signature covers both fields'}</dd>
          </dl>
          {problems.length > 0 ? (
            <ul class="bullets">
              {problems.map((problem) => (
                <li key={problem}>{problem}</li>
              ))}
            </ul>
          ) : null}
        </>
      )}
    </section>
  )
}

const spamNames = { spamassassin: 'SpamAssassin', rspamd: 'rspamd', postmark: 'Postmark' } as const

function Spam({ id }: { id: string }): JSX.Element | null {
  const path = apiPath(`/messages/${id}/checks/spam`)
  const kind = status.value?.spam ?? null
  const check = useFetched(`${kind} ${path}`, () =>
    kind === null ? Promise.reject(new Error('off')) : api.get<SpamCheck>(path),
  )
  if (kind === null) return null
  return (
    <section class="card stack">
      <h2>{spamNames[kind]}</h2>
      <Shown of={check.value}>
        {({ isSpam, score, threshold, rules, error }) =>
          error !== '' ? (
            <Notice tone="bad">{error}</Notice>
          ) : (
            <>
              <Notice tone={isSpam ? 'bad' : 'good'}>
                {score.toFixed(1)} points; {threshold.toFixed(1)} are spam.
              </Notice>
              <ul class="check-rows">
                {rules.map(({ name, score: points, description }, index) => (
                  <li key={index} class="check-row check-link">
                    <span class="num verdict-name">{points.toFixed(1)}</span>
                    <span class="mono">{name}</span>
                    <span class="grow soft small">{description}</span>
                  </li>
                ))}
              </ul>
            </>
          )
        }
      </Shown>
    </section>
  )
}

export function WorldChecks({ message }: { message: Detail }): JSX.Element {
  return (
    <div class="stack">
      <Authentication id={message.id} />
      <Unsubscribe message={message} />
      <Spam id={message.id} />
    </div>
  )
}
