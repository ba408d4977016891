// Where programs and people reach the catcher, with what to paste.
import type { JSX } from 'preact'
import { formatNumber, formatSize } from '../shared/format.ts'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { copyText } from '../shared/ui/copy.ts'
import { root, status } from './state.ts'

function Snippet({ title, text }: { title: string; text: string }): JSX.Element {
  return (
    <figure class="snippet">
      <figcaption class="row">
        <span class="grow label">{title}</span>
        <IconButton size="small" icon="copy" label={`Copy ${title}`} onClick={() => void copyText(text)} />
      </figcaption>
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </figure>
  )
}

const protocols: readonly (readonly [service: string, name: string, hint: string])[] = [
  ['catcher', 'SMTP', 'any name and password; STARTTLS is offered'],
  [
    'imap',
    'IMAP',
    'log in with a recipient’s address, or with the account below for everything; any password',
  ],
  ['pop3', 'POP3', 'as IMAP'],
  ['http', 'HTTP', 'this page, its API, Mailpit’s API, JMAP at /.well-known/jmap'],
]

export function ConnectPage(): JSX.Element {
  const now = status.value
  const host = location.hostname
  const port = (service: string): number | undefined =>
    now?.listeners.find((listener) => listener.service === service && listener.path === null)?.port
  const smtp = port('catcher') ?? 1025
  return (
    <div class="page">
      <h1 class="title">Connect</h1>
      <section class="card">
        <div class="table-room">
          <table class="table protocols">
            <thead>
              <tr>
                <th>Protocol</th>
                <th>Address</th>
                <th>Log-in</th>
              </tr>
            </thead>
            <tbody>
              {protocols.map(([service, name, hint]) =>
                port(service) === undefined ? null : (
                  <tr key={service}>
                    <th scope="row">{name}</th>
                    <td class="mono">
                      {host}:{port(service) === 0 && service === 'http' ? location.port : port(service)}
                    </td>
                    <td class="soft">{hint}</td>
                  </tr>
                ),
              )}
              {now?.listeners.map(({ service, path }) =>
                path === null ? null : (
                  <tr key={path}>
                    <th scope="row">{protocols.find(([one]) => one === service)?.[1] ?? service}</th>
                    <td class="mono">{path}</td>
                    <td class="soft">a UNIX socket, for programs on that machine</td>
                  </tr>
                ),
              )}
            </tbody>
          </table>
        </div>
      </section>
      <section class="card stack">
        <h2>From a program</h2>
        <div class="snippets">
          <Snippet title="nodemailer" text={`createTransport({ host: '${host}', port: ${smtp} })`} />
          <Snippet title="Environment" text={`SMTP_HOST=${host}\nSMTP_PORT=${smtp}`} />
          <Snippet title="swaks" text={`swaks --to ann@example.org --server ${host}:${smtp}`} />
          <Snippet
            title="curl"
            text={`curl smtp://${host}:${smtp} --mail-from a@example.org --mail-rcpt ann@example.org -T letter.eml`}
          />
        </div>
      </section>
      {now === null ? null : (
        <section class="card">
          <h2 class="card-head">This catcher</h2>
          <dl class="facts">
            <dt>Sees every message</dt>
            <dd class="mono">{now.account}</dd>
            <dt>Kept</dt>
            <dd>
              {formatNumber(now.total)} messages, {formatSize(now.size)}
            </dd>
            <dt>Since the start</dt>
            <dd>
              {formatNumber(now.counts.accepted)} caught ({formatSize(now.counts.acceptedSize)}),{' '}
              {formatNumber(now.counts.rejected)} refused, {formatNumber(now.counts.deleted)} deleted
            </dd>
            <dt>Release</dt>
            <dd>
              {now.release === null
                ? 'nothing leaves (catcher.relay is not set)'
                : `through ${now.release.host}:${now.release.port}`}
            </dd>
          </dl>
        </section>
      )}
      <p>
        <Button icon="external" onClick={() => window.open(`${root}api/`, '_blank', 'noopener')}>
          The HTTP API
        </Button>
      </p>
    </div>
  )
}
