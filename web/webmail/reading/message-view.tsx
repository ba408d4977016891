// One message: from whom, to whom, its text, its files, and behind them its source.
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { formatDate, formatShortDate } from '../../shared/format.ts'
import type { Email, EmailAddress, FullEmail } from '../../shared/jmap/types.ts'
import { HtmlMail } from '../../shared/mail/html-mail.tsx'
import { PlainText } from '../../shared/mail/plain-text.tsx'
import { handleKey } from '../../shared/keys.ts'
import { readSetting, writeSetting } from '../../shared/settings.ts'
import { Stamp } from '../../shared/ui/badge.tsx'
import { Button, IconButton } from '../../shared/ui/button.tsx'
import { Menu } from '../../shared/ui/menu.tsx'
import { Failed, Notice, Skeleton } from '../../shared/ui/states.tsx'
import { toastError } from '../../shared/ui/toast.tsx'
import { htmlToText } from '../../shared/mail/html-text.ts'
import { editDraft } from '../compose/starts.ts'
import { useWebmail } from '../context.ts'
import { Attachments } from './attachments.tsx'
import { AuthenticationNote } from './authentication.tsx'
import { useInlineParts } from './inline-parts.ts'
import { SourceDialog } from './source-dialog.tsx'

interface MessageViewProps {
  readonly email: Email
  readonly open: boolean
  readonly onToggle: () => void
}

export function nameOf(people: readonly EmailAddress[] | null): string {
  const [first] = people ?? []
  return first?.name ?? first?.email ?? '(nobody)'
}

export function MessageView({ email, open, onToggle }: MessageViewProps): JSX.Element {
  const from = email.from?.[0]
  const time = Date.parse(email.receivedAt)
  return (
    <article class={`message ${open ? 'is-open' : ''}`} aria-label={`Message from ${nameOf(email.from)}`}>
      <header class="message-head">
        <Stamp name={from?.name ?? ''} email={from?.email ?? '?'} size={open ? 42 : 32} />
        <button type="button" class="message-who" aria-expanded={open} onClick={onToggle}>
          <strong class="cut" dir="auto">
            {nameOf(email.from)}
          </strong>
          {open ? (
            <span class="faint small cut">{from?.email}</span>
          ) : (
            <span class="soft small cut">{email.preview}</span>
          )}
        </button>
        <time class="faint small num message-time" dateTime={email.receivedAt} title={formatDate(time)}>
          {open ? (
            <>
              <span class="only-desktop">{formatDate(time)}</span>
              <span class="only-phone">{formatShortDate(time)}</span>
            </>
          ) : (
            formatShortDate(time)
          )}
        </time>
      </header>
      {open ? <MessageBody email={email} /> : null}
    </article>
  )
}

function useFull(email: Email): { full: FullEmail | null; error: string | null; retry: () => void } {
  const webmail = useWebmail()
  const full = useSignal<FullEmail | null>(null)
  const error = useSignal<string | null>(null)
  const load = (): void => {
    error.value = null
    webmail.store.full(email.id).then(
      (loaded) => (full.value = loaded),
      (failure: unknown) => (error.value = failure instanceof Error ? failure.message : String(failure)),
    )
  }
  useEffect(load, [email.id])
  const online = webmail.client.online.value
  useEffect(() => {
    if (online && error.peek() !== null) load()
  }, [online])
  return { full: full.value, error: error.value, retry: load }
}

function MessageBody({ email }: { email: Email }): JSX.Element {
  const { full, error, retry } = useFull(email)
  if (error !== null) return <Failed title="The message could not be loaded" reason={error} retry={retry} />
  if (full === null) {
    return (
      <div class="message-body">
        <Skeleton lines={5} />
      </div>
    )
  }
  return (
    <>
      <Recipients email={full} />
      <Content email={full} />
      <Attachments email={full} />
      {email.keywords['$draft'] === true ? <GoOnWriting email={email} /> : null}
    </>
  )
}

function GoOnWriting({ email }: { email: Email }): JSX.Element {
  const webmail = useWebmail()
  const begin = (): void => {
    editDraft(webmail, email.id).then(
      (start) => {
        webmail.compose(start)
        // The next save puts another draft in its place.
        if (webmail.store.threadEmails(email.threadId).length === 1) webmail.open(null)
      },
      (error: unknown) => toastError(error),
    )
  }
  return (
    <div class="answer no-print">
      <Button tone="primary" icon="draft" onClick={begin}>
        Go on writing
      </Button>
    </div>
  )
}

function list(people: readonly EmailAddress[] | null): string {
  return (people ?? [])
    .map(({ name, email }) => (name === null || name === '' ? email : `${name} <${email}>`))
    .join(', ')
}

function Recipients({ email }: { email: FullEmail }): JSX.Element {
  const source = useSignal<'headers' | 'source' | null>(null)
  const unfolded = useSignal(false)
  const { client } = useWebmail()
  return (
    <div class="message-recipients small">
      <details onToggle={({ currentTarget }) => (unfolded.value = currentTarget.open)}>
        <summary class="soft cut">
          To{' '}
          {[...(email.to ?? []), ...(email.cc ?? [])]
            .map(({ name, email: address }) => name ?? address)
            .join(', ') || 'nobody named'}
        </summary>
        <dl class="facts">
          <dt>From</dt>
          <dd>{list(email.from)}</dd>
          <dt>To</dt>
          <dd>{list(email.to) || '–'}</dd>
          {email.cc === null ? null : (
            <>
              <dt>Cc</dt>
              <dd>{list(email.cc)}</dd>
            </>
          )}
          {email.replyTo === null ? null : (
            <>
              <dt>Reply to</dt>
              <dd>{list(email.replyTo)}</dd>
            </>
          )}
          <dt>Date</dt>
          <dd>{formatDate(Date.parse(email.sentAt ?? email.receivedAt))}</dd>
        </dl>
        {unfolded.value ? <AuthenticationNote email={email} /> : null}
      </details>
      <Menu
        label="Message"
        align="end"
        trigger={(attributes) => (
          <IconButton class="no-print" size="small" icon="more" label="More" {...attributes} />
        )}
        entries={[
          { label: 'Headers and authentication', icon: 'shield', run: () => (source.value = 'headers') },
          { label: 'Source', icon: 'code', run: () => (source.value = 'source') },
          {
            label: 'Save as file',
            icon: 'download',
            run: () =>
              location.assign(
                client.downloadUrl(
                  email.blobId,
                  `${(email.subject ?? 'message').slice(0, 60)}.eml`,
                  'message/rfc822',
                ),
              ),
          },
        ]}
      />
      {source.value === null ? null : (
        <SourceDialog email={email} show={source.value} onClose={() => (source.value = null)} />
      )}
    </div>
  )
}

/** Senders whose pictures are always loaded. */
function trusted(): Set<string> {
  return new Set(readSetting('remote-senders', '').split(' ').filter(Boolean))
}

function Content({ email }: { email: FullEmail }): JSX.Element {
  const html = email.htmlBody.find(({ type }) => type === 'text/html')
  const htmlText = html?.partId == null ? undefined : email.bodyValues[html.partId]?.value
  const { client } = useWebmail()
  // The frame of HTML mail is out of the worker's reach: it has no origin.
  const framed = useMemo(() => client.online.peek(), [email.id])
  if (htmlText !== undefined && framed) return <HtmlContent email={email} html={htmlText} />
  if (htmlText !== undefined) return <TextOfHtml html={htmlText} />
  const texts = email.textBody.filter(({ type }) => type.startsWith('text/'))
  return (
    <div class="message-body">
      {texts.map((part) => (
        <PlainText key={part.partId} text={email.bodyValues[part.partId ?? '']?.value ?? ''} />
      ))}
      {texts.length === 0 ? <p class="faint">This message has no text.</p> : null}
    </div>
  )
}

/** Without a network. */
function TextOfHtml({ html }: { html: string }): JSX.Element {
  return (
    <div class="message-body">
      <p class="faint small">Shown as plain text while you are offline.</p>
      <PlainText text={htmlToText(html)} />
    </div>
  )
}

function HtmlContent({ email, html }: { email: FullEmail; html: string }): JSX.Element {
  const sender = (email.from?.[0]?.email ?? '').toLowerCase()
  const remote = useSignal(trusted().has(sender))
  const blocked = useSignal(0)
  const plain = useSignal(false)
  const inline = useInlineParts(email)
  const text = useMemo(
    () => email.textBody.map(({ partId }) => email.bodyValues[partId ?? '']?.value ?? '').join('\n'),
    [email],
  )
  const always = (): void => {
    writeSetting('remote-senders', [...trusted().add(sender)].slice(-500).join(' '))
    remote.value = true
  }
  const onlyHtml = email.textBody.every(({ type }) => type !== 'text/plain')
  return (
    <div class="message-body is-html">
      {blocked.value > 0 && !remote.value ? (
        <Notice
          icon="image"
          actions={
            <span class="row">
              <Button size="small" onClick={() => (remote.value = true)}>
                Show them
              </Button>
              {sender === '' ? null : (
                <Button size="small" tone="quiet" onClick={always}>
                  Always from {sender}
                </Button>
              )}
            </span>
          }
        >
          Pictures from elsewhere are not loaded: they would tell the sender that you read this.
        </Notice>
      ) : null}
      {plain.value ? (
        <PlainText text={text} />
      ) : (
        <HtmlMail
          title={`Text of the message from ${nameOf(email.from)}`}
          html={html}
          remote={remote.value}
          inline={inline}
          onBlocked={(count) => (blocked.value = count)}
          onKey={(key) => handleKey(new KeyboardEvent('keydown', key), document.body)}
        />
      )}
      {onlyHtml ? null : (
        <button
          type="button"
          class="text-toggle small faint no-print"
          onClick={() => (plain.value = !plain.value)}
        >
          {plain.value ? 'Show as HTML' : 'Show as plain text'}
        </button>
      )}
    </div>
  )
}
