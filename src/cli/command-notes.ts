// What the help of each command says below its options: examples, and what it prints with --json. One table, so that help, the page
// of all commands and the tests that run every example (test/e2e/command-line.test.ts) cannot tell different things.
//
// The form of `prints`: `{ a, b? }` is an object with these fields and no others, `[…]` an array of these, `text` a string and `number`
// a number, `|` means either; `…` at the end of an object allows fields that are not told here.
import type { Command } from 'commander'
import { exitMeanings } from './io.ts'

/** Of one command. */
export interface CommandNotes {
  /** As a shell takes them. */
  readonly examples: readonly string[]
  readonly prints: string
}

const address = '{ address }'
const account =
  '{ address, display, id, state, role, messages, bytes, quotaBytes, quotaMessages, quotaMailboxes, quotaAnnotations, hiddenCapabilities: [text], created }'
const attempt = '{ at, host, address, tls, verification, policy, stage, outcome, status, reply }'
const recipient = `{ address, state, outcome, attempts, nextAttempt, reason, route, last: ${attempt} | null, history?: [${attempt}] }`
const message = `{ id, name, origin, from, sender, bytes, arrived, expires, finished, messageId, priority, recipients: [${recipient}] }`
const setting = '{ key, value, origin, description }'
const record = '{ seq, at, level, name, fields }'
const listening =
  'a line each: { listening: { service, tls, address, port } }, { pages, setup? }, and { ready } when all are open'

/** By the words of the command. */
export const commandNotes: Readonly<Record<string, CommandNotes>> = {
  serve: {
    examples: ['posthorn serve', 'posthorn serve --config /etc/posthorn.toml'],
    prints: listening,
  },
  dev: { examples: ['posthorn dev', 'posthorn dev --data caught'], prints: listening },
  'domain add': { examples: ['posthorn domain add example.org'], prints: '{ name, display }' },
  'domain list': {
    examples: ['posthorn domain list'],
    prints: '[{ name, display, createdAt, accounts, aliases }]',
  },
  'domain remove': { examples: ['posthorn domain remove example.net'], prints: '{ name }' },
  'account add': {
    examples: [
      "printf %s 'a good password' | posthorn account add ann@example.org --password-stdin",
      "printf %s 'another one' | posthorn account add root@example.org --password-stdin --role admin --quota '2 GB'",
    ],
    prints: account,
  },
  'account list': { examples: ['posthorn account list'], prints: `[${account}]` },
  'account password': {
    examples: ["printf %s 'a better password' | posthorn account password ann@example.org --password-stdin"],
    prints: address,
  },
  'account quota': {
    examples: ["posthorn account quota ann@example.org --quota '2 GB'"],
    prints: '{ address, quota: { bytes, messages } }',
  },
  'account set': {
    examples: [
      "posthorn account set ann@example.org --quota '5 GB' --max-messages unlimited",
      'posthorn account set ann@example.org --hide-capability CONDSTORE --hide-capability QRESYNC',
    ],
    prints: account,
  },
  'account disable': {
    examples: ['posthorn account disable ann@example.org'],
    prints: '{ address, state }',
  },
  'account enable': { examples: ['posthorn account enable ann@example.org'], prints: '{ address, state }' },
  'account remove': { examples: ['posthorn account remove bob@example.org'], prints: address },
  'account import': {
    examples: [
      'posthorn account import people.txt',
      "echo 'eve@example.org her-password' | posthorn account import -",
    ],
    prints: '{ added, problems: [{ line, message }] }',
  },
  'account state': {
    examples: ['posthorn account state ann@example.org active'],
    prints: '{ address, state }',
  },
  'account app-password add': {
    examples: [
      "posthorn account app-password add ann@example.org --label 'her phone'",
      'posthorn account app-password add ann@example.org --scope send --expires 90d',
    ],
    prints: '{ id, label, scopes: [text], created, expires, used, usedBy, password }',
  },
  'account app-password list': {
    examples: ['posthorn account app-password list ann@example.org'],
    prints: '[{ id, label, scopes: [text], created, expires, used, usedBy }]',
  },
  'account app-password remove': {
    examples: ['posthorn account app-password remove ann@example.org 1'],
    prints: '{ address, id }',
  },
  'account sessions list': {
    examples: ['posthorn account sessions list ann@example.org'],
    prints: '[{ id, created, seen, expires, method, remoteAddress, userAgent }]',
  },
  'account sessions end': {
    examples: ['posthorn account sessions end ann@example.org'],
    prints: '{ ended }',
  },
  'account protection': {
    examples: ['posthorn account protection ann@example.org'],
    prints: '{ address, password, totp, totpSince, recoveryCodes, passkeys: [{ id, label, created, used }] }',
  },
  'account totp remove': { examples: ['posthorn account totp remove ann@example.org'], prints: address },
  'account passkey remove': {
    examples: ['posthorn account passkey remove ann@example.org 1'],
    prints: '{ address, id }',
  },
  'alias add': {
    examples: [
      'posthorn alias add info@example.org ann@example.org bob@example.org',
      'posthorn alias add news@example.org ann@example.org joe@example.net --list --owner ann@example.org',
    ],
    prints: '{ address, display, owner, targets: [text] }',
  },
  'alias list': {
    examples: ['posthorn alias list', 'posthorn alias list example.org'],
    prints: '[{ address, display, targets: [text], owner }]',
  },
  'alias remove': { examples: ['posthorn alias remove news@example.org'], prints: address },
  send: {
    examples: [
      'echo Hello | posthorn send ann@example.org --from me@example.org --subject Hi',
      'posthorn send ann@example.org --from me@example.org --raw letter.eml --server 127.0.0.1:1025',
    ],
    prints:
      '{ accepted: [text], rejected: [text], response }; with --direct [{ recipient, outcome, reply, status?, stage?, … }]',
  },
  read: {
    examples: ['posthorn read ann@example.org', 'posthorn read ann@example.org --last'],
    prints: '[text]',
  },
  attach: {
    examples: ['posthorn attach ann@example.org'],
    prints: 'a line each: { type, address }, then { type, message: { from, to, subject, text, at } }',
  },
  sendmail: {
    examples: [
      'posthorn sendmail -t < letter.eml',
      'posthorn sendmail -f ann@example.org joe@example.net < letter.eml',
      'posthorn sendmail --json -bp',
    ],
    prints: `{ ok, id, recipients: [{ address, status, reason? }] } of a message; with -bp as queue list, with -q as queue retry`,
  },
  'queue list': {
    examples: ['posthorn queue list', 'posthorn queue list --domain example.net --finished'],
    prints: `[${message}]`,
  },
  'queue show': { examples: ['posthorn queue show 7'], prints: message },
  'queue hold': {
    examples: [
      'posthorn queue hold 7',
      "posthorn queue hold --domain example.net --reason 'their server is being mended'",
    ],
    prints: '{ changed }',
  },
  'queue release': { examples: ['posthorn queue release --state held'], prints: '{ changed }' },
  'queue retry': { examples: ['posthorn queue retry --domain example.net'], prints: '{ changed }' },
  'queue fail': { examples: ["posthorn queue fail 7 --reason 'wrong address'"], prints: '{ changed }' },
  'queue discard': { examples: ['posthorn queue discard --sender ann@example.org'], prints: '{ changed }' },
  'queue reroute': {
    examples: ['posthorn queue reroute 7 --to backup', 'posthorn queue reroute --all --usual'],
    prints: '{ changed }',
  },
  'queue qshape': {
    examples: ['posthorn queue qshape'],
    prints: '{ ages: [number], domains: [{ domain, total, counts: [number] }] }',
  },
  'queue totals': {
    examples: ['posthorn queue totals'],
    prints: '{ messages, waiting, active, held, reports }',
  },
  'suppression list': {
    examples: ['posthorn suppression list'],
    prints: '[{ address, reason, since, until }]',
  },
  'suppression add': {
    examples: ["posthorn suppression add joe@example.net --reason 'asked for it' --for 30d"],
    prints: address,
  },
  'suppression remove': { examples: ['posthorn suppression remove joe@example.net'], prints: address },
  'catcher ingest': {
    examples: [
      'posthorn catcher ingest old.mbox',
      'posthorn catcher ingest - --to ann@example.org < letter.eml',
    ],
    prints: '{ messages, problems: [{ name, reason }] }',
  },
  'catcher dump': {
    examples: ["posthorn catcher dump caught.d --query 'subject:Hi'"],
    prints: '{ messages, folder }',
  },
  collect: {
    examples: ['posthorn collect', 'posthorn collect provider'],
    prints:
      '[{ name, verb, type, messages } | { name, verb, type, reply } | { name, verb, type, replies: [{ domain, reply }] } | { name, verb, type, stage, status, reply }]',
  },
  index: {
    examples: ['posthorn index', 'posthorn index ann@example.org --rebuild', 'posthorn index --show'],
    prints: '[{ address, display, messages, emails, waiting, segments, bytes }]',
  },
  import: {
    examples: [
      'posthorn import ann@example.org old.mbox --into Archive/2019',
      'posthorn import ann@example.org imaps://ann@imap.example.net --dry-run',
    ],
    prints:
      '{ address, source, dryRun, imported, bytes, known, duplicates, older, elsewhere, failed, interrupted, stopped, ignored: [text], problems: [{ name, reason }] }',
  },
  export: {
    examples: [
      'posthorn export ann@example.org ann.zip',
      'posthorn export ann@example.org ann.d --format maildir --mailbox INBOX --since 2024-01-31',
    ],
    prints: '{ address, target, mailboxes, messages, bytes, interrupted }',
  },
  fsck: { examples: ['posthorn fsck'], prints: '[{ check, account, message }]' },
  metrics: { examples: ['posthorn metrics'], prints: '{ text }' },
  'server overview': {
    examples: ['posthorn server overview'],
    prints:
      '{ version, hostname, started, accounts, domains, queue: { messages, waiting, active, held, reports }, connections, refusals: [{ what, reason, count }], … }',
  },
  'server sessions': {
    examples: ['posthorn server sessions'],
    prints: '[{ id, service, remoteAddress, account, since, … }]',
  },
  'server end-session': { examples: ['posthorn server end-session 3'], prints: '{ id }' },
  'server log': {
    examples: ['posthorn server log --level warn', 'posthorn server log --name smtp. --limit 10'],
    prints: `[${record}]; with --follow a line each: ${record}`,
  },
  'server trace': {
    examples: ['posthorn server trace joe@example.net'],
    prints: `[{ message, records: [${record}], queue }]`,
  },
  'server config': {
    examples: ['posthorn server config', 'posthorn server config smtp.'],
    prints: `[${setting}]`,
  },
  'server series': {
    examples: ['posthorn server series --by second'],
    prints: '{ step, end, values }',
  },
  'throttle list': {
    examples: ['posthorn throttle list'],
    prints: '[{ kind, key, count, limit, isFull }]',
  },
  'throttle lift': {
    examples: ['posthorn throttle lift name ann@example.org'],
    prints: '{ kind, key }',
  },
  'config explain': {
    examples: ['posthorn config explain', 'posthorn config explain smtp. --profile dev'],
    prints: `[${setting}]`,
  },
  'config check': {
    examples: ['posthorn config check', 'posthorn config check --config /etc/posthorn.toml'],
    prints: '{ ok, profile, listeners: [{ service, tls, … }], warnings: [text] }',
  },
  'store collect': { examples: ['posthorn store collect'], prints: '{ blobs, files, tombstones }' },
}

/** The words that call a command, without the program's own name. */
export function wordsOf(command: Command): string {
  return command.parent === null ? '' : `${wordsOf(command.parent)} ${command.name()}`.trim()
}

/** Every command that does something, those of groups among them. */
export function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf)
}

/** Adds to the help of each command what stands here about it. */
export function addNotes(program: Command): void {
  for (const command of leavesOf(program)) {
    const notes = commandNotes[wordsOf(command)]
    if (notes !== undefined) command.addHelpText('after', () => notesText(notes))
  }
  program.addHelpText('after', firstSteps)
}

function notesText({ examples, prints }: CommandNotes): string {
  const shown = examples.map((example) => `  ${example}\n`).join('')
  return `\n${examples.length === 1 ? 'Example' : 'Examples'}:\n${shown}\nWith --json:\n  ${prints}\n`
}

const firstSteps = `
First steps:
  posthorn dev                      catch mail on this machine
  posthorn domain add example.org   begin a server in this folder
  posthorn config check             see what a start would do
  posthorn serve                    start it

Each command has --help, with examples, and --json. What went wrong is one sentence on standard error, and the exit code:
${Object.entries(exitMeanings)
  .map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}\n`)
  .join('')}`
