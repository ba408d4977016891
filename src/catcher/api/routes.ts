// The routes of `/api/v1/catcher`.
import { Buffer } from 'node:buffer'
import { readBody } from '../../base/request-body.ts'
import { fieldValue, splitHeader } from '../../mail/header.ts'
import { decodeParameters } from '../../mail/parameters.ts'
import type { Part } from '../../mail/mime/structure.ts'
import { checkAuthentication } from '../checks/authentication.ts'
import { checkHtml } from '../checks/html.ts'
import { checkLinks, linksOf } from '../checks/links.ts'
import { checkSpam } from '../checks/spam.ts'
import { readListUnsubscribe } from '../checks/unsubscribe.ts'
import type { FindRequest } from '../find.ts'
import { type CaughtContent, contentTypeOf } from '../content.ts'
import { partResponse } from '../mailpit/app.ts'
import { valueOf } from '../mailpit/shapes.ts'
import {
  closedMessagePolicy,
  linkParts,
  measuredClosedPolicy,
  measuredMessagePolicy,
  messagePolicy,
  openOutside,
  withoutFrames,
} from '../mailpit/view-routes.ts'
import type { CaughtSummary } from '../message.ts'
import { thumbnailResponse } from '../pictures/thumbnail.ts'
import { apiRoute, type ApiRoute, type Call, notFound, Refused, withCaught } from './route.ts'
import * as schema from './schema.ts'

const finding = {
  query: 'A search (docs/catcher.md).',
  inbox: 'Of this inbox alone.',
  timeZone: 'IANA name, for dates in the search.',
}

const whole = (call: Call): FindRequest => {
  const { query } = call
  const [text, inbox, timeZone] = [query.get('query'), query.get('inbox'), query.get('timeZone')]
  return {
    ...(text !== null && { query: text }),
    ...(inbox !== null && { inbox }),
    ...(timeZone !== null && { timeZone }),
  }
}

/** Ids, or a search. */
function selected(body: {
  ids?: readonly string[] | undefined
  query?: string | undefined
  inbox?: string | undefined
  timeZone?: string | undefined
}) {
  const { ids, query, inbox, timeZone } = body
  if (ids !== undefined) return ids
  return {
    ...(query !== undefined && { query }),
    ...(inbox !== undefined && { inbox }),
    ...(timeZone !== undefined && { timeZone }),
  }
}

const mostListed = 1000

export const catcherRoutes: readonly ApiRoute[] = [
  apiRoute(
    'GET /status',
    { summary: 'What this catcher is and has', answer: schema.status },
    ({ catcher, parts }) => {
      const { config, account } = catcher.parts
      const { relay } = config
      return {
        label: config.label,
        account: account.address,
        ...catcher.stats,
        size: catcher.size,
        counts: catcher.counts,
        release:
          relay === undefined
            ? null
            : {
                ...{ host: relay.host, port: relay.port, auto: relay.auto, forward: relay.forward },
                ...{ allow: relay.allow ?? '', block: relay.block ?? '' },
              },
        chaos: config.chaos.enabled,
        spam: config.spam?.kind ?? null,
        zone: config.zone.trim() !== '',
        ...{ maxMessages: config.maxMessages, maxAge: config.maxAge },
        listeners: [...parts.listeners()],
      }
    },
  ),
  apiRoute(
    'GET /messages',
    {
      summary: 'List or search, newest first',
      parameters: {
        ...finding,
        limit: `At most so many (${mostListed}); 50 unless given.`,
        start: 'Leave out so many.',
        after: 'The `next` of an answer before: what was older than that.',
      },
      answer: schema.messageList,
    },
    async (call) => {
      const number = (name: string, usual: number): number => {
        const text = call.query.get(name) ?? ''
        return /^\d{1,9}$/.test(text) ? Number(text) : usual
      }
      const after = call.query.get('after')
      const limit = Math.min(number('limit', 50), mostListed)
      const start = number('start', 0)
      const found = await call.catcher.find({
        ...whole(call),
        start,
        limit,
        ...(after !== null && { after }),
      })
      const { messages, total, unread, next } = found
      return { messages: messages.map(shown), total, unread, next }
    },
  ),
  apiRoute(
    'PATCH /messages',
    {
      summary: 'Mark as read or unread, tag: these, all that a search finds, or all',
      body: schema.changeRequest,
      answer: schema.changed,
    },
    async ({ catcher, body }) => {
      const which = selected(body)
      const ids = Array.isArray(which)
        ? which
        : (await catcher.find({ ...which, limit: Number.MAX_SAFE_INTEGER })).messages.map(({ id }) => id)
      if (body.read !== undefined) await catcher.setRead(ids, body.read)
      const { tags, addTags = [], removeTags = [] } = body
      if (tags !== undefined) catcher.setTags(ids, tags)
      if (addTags.length + removeTags.length > 0) {
        const gone = new Set(removeTags.map((tag) => tag.toLowerCase()))
        for (const id of ids) {
          const known = catcher.summary(id)?.tags ?? []
          catcher.setTags([id], [...known.filter((tag) => !gone.has(tag.toLowerCase())), ...addTags])
        }
      }
      return { messages: ids.length }
    },
  ),
  apiRoute(
    'DELETE /messages',
    {
      summary:
        'Delete: these, all that a search finds, or all; everywhere, also from the recipients’ mailboxes',
      body: schema.deleteRequest,
      answer: schema.changed,
    },
    async ({ catcher, body }) => ({ messages: await catcher.remove(selected(body)) }),
  ),
  apiRoute(
    'POST /messages',
    {
      summary: 'Hand in a message (message/rfc822), as if it had been sent',
      parameters: {
        from: 'The reverse-path.',
        to: 'A recipient; once for each. To, Cc and Bcc unless given.',
      },
      answer: schema.ingested,
    },
    ingestMessage,
  ),
  apiRoute('GET /messages/{id}', { summary: 'One message', answer: schema.messageDetail }, (call) =>
    withCaught(call, (summary, content) => detail(call, summary, content)),
  ),
  apiRoute(
    'DELETE /messages/{id}',
    { summary: 'Delete one message', answer: schema.changed },
    async ({ catcher, params }) => {
      const messages = await catcher.remove([params['id'] ?? ''])
      return messages === 0 ? notFound : { messages }
    },
  ),
  apiRoute(
    'GET /messages/{id}/source',
    { summary: 'All octets', parameters: { download: '`1`: as a file.' }, answer: null },
    (call) =>
      withCaught(call, async ({ id }, content) => {
        const headers = new Headers({ 'content-type': 'text/plain; charset=utf-8' })
        if (call.query.get('download') === '1')
          headers.set('content-disposition', `attachment; filename="${id}.eml"`)
        return new Response(await content.raw(), { headers })
      }),
  ),
  apiRoute(
    'GET /messages/{id}/html',
    {
      summary: 'The HTML as a page that runs nothing',
      parameters: {
        remote: '`1`: images and styles from elsewhere may be fetched.',
        screenshot: '`1`: pages of this catcher may measure it; it runs as little.',
      },
      answer: null,
    },
    (call) =>
      withCaught(call, async ({ id }, content) => {
        const html = await content.html()
        if (html === '') return new Refused(404, 'no-html', 'The message has no HTML.')
        const linked = linkParts(
          html,
          content,
          (partId) => `${call.env.root ?? ''}/api/v1/catcher/messages/${id}/parts/${partId}`,
        )
        const policy = policyOf(call.query)
        return new Response(openOutside(withoutFrames(linked)), {
          headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy },
        })
      }),
  ),
  apiRoute('GET /messages/{id}/html-source', { summary: 'The HTML as text', answer: null }, (call) =>
    withCaught(call, async (_, content) => plain(await content.html())),
  ),
  apiRoute('GET /messages/{id}/text', { summary: 'The text', answer: null }, (call) =>
    withCaught(call, async (_, content) => plain(await content.text())),
  ),
  apiRoute(
    'GET /messages/{id}/headers',
    { summary: 'The header, in order', answer: schema.headerFields },
    (call) =>
      withCaught(call, async (_, content) => ({
        fields: (await content.fields()).map((field) => ({
          name: field.written,
          value: Buffer.from(fieldValue(field), 'latin1').toString('utf8').trim(),
          raw: Buffer.from(field.raw, 'latin1').toString('utf8'),
        })),
      })),
  ),
  apiRoute('GET /messages/{id}/parts/{part}', { summary: 'A part, decoded', answer: null }, (call) =>
    withCaught(call, (_, content) => partResponse(content, call.params['part'] ?? '')),
  ),
  apiRoute(
    'GET /messages/{id}/parts/{part}/thumbnail',
    { summary: 'A picture of 180x120 (JPEG) of an image part; white for all else', answer: null },
    (call) =>
      withCaught(call, async (_, content) => {
        const { thumbnailer } = call.catcher.parts
        return (
          (await thumbnailResponse(content, { partId: call.params['part'] ?? '', thumbnailer })) ?? notFound
        )
      }),
  ),
  apiRoute(
    'GET /messages/{id}/record',
    { summary: 'How it came: envelope, session, transcript', answer: schema.record },
    async ({ catcher, params }) => {
      const record = await catcher.record(params['id'] ?? '')
      return record === null ? notFound : recordShape(record)
    },
  ),
  apiRoute(
    'POST /messages/{id}/release',
    { summary: 'Send it to the configured host', body: schema.releaseRequest, answer: schema.released },
    async ({ catcher, params, body }) => {
      const outcome = await catcher.release(params['id'] ?? '', body.to, 'api')
      if (outcome.ok) return { recipients: body.to.length }
      switch (outcome.reason) {
        case 'off':
          return new Refused(
            409,
            'release-off',
            'Nothing leaves this catcher: `catcher.relay` is not configured.',
          )
        case 'not-found':
          return notFound
        case 'no-recipients':
          return new Refused(400, 'no-recipients', 'Nobody to send it to.')
        case 'not-allowed':
          return new Refused(403, 'not-allowed', `Not to be released to ${outcome.refused.join(', ')}.`)
        case 'failed':
          return new Refused(502, 'release-failed', outcome.error)
      }
    },
  ),
  apiRoute(
    'GET /messages/{id}/checks/html',
    { summary: 'How well mail programs show its HTML', answer: schema.htmlCheck },
    (call) =>
      withCaught(call, async (_, content) => {
        const html = await content.html()
        if (html === '') return new Refused(404, 'no-html', 'The message has no HTML.')
        const { total, warnings, platforms } = await checkHtml(html)
        return {
          total,
          warnings: warnings.map((one) => ({
            ...one,
            tags: [...one.tags],
            results: [...one.results],
            notes: { ...one.notes },
          })),
          platforms: Object.fromEntries(
            Object.entries(platforms).map(([name, families]) => [name, [...families]]),
          ),
        }
      }),
  ),
  apiRoute(
    'GET /messages/{id}/checks/links',
    {
      summary: 'Whether its links lead somewhere',
      parameters: { follow: '`1`: redirects are followed.' },
      answer: schema.linkCheck,
    },
    (call) =>
      withCaught(call, async (_, content) => {
        const { config, clock, lookUp, isPublicAddress } = call.catcher.parts
        const links = await checkLinks(linksOf(await content.html(), await content.text()), {
          ...{ config: config.links, clock, lookUp, isPublic: isPublicAddress, signal: call.request.signal },
          redirects: call.query.get('follow') === '1' ? 'follow' : 'tell',
        })
        return { errors: links.filter(({ ok }) => !ok).length, links }
      }),
  ),
  apiRoute(
    'GET /messages/{id}/checks/unsubscribe',
    { summary: 'List-Unsubscribe, and one-click (RFC 2369, RFC 8058)', answer: schema.listUnsubscribe },
    (call) => withCaught(call, async (_, content) => unsubscribeShape(content)),
  ),
  apiRoute(
    'POST /messages/{id}/checks/authentication',
    {
      summary:
        'SPF, DKIM, DMARC and ARC as the world would see them, with the DNS that the request or the configuration gives',
      body: schema.authenticationRequest,
      answer: schema.authenticationCheck,
    },
    (call) => withCaught(call, (summary, content) => authentication(call, { summary, content })),
  ),
  apiRoute(
    'GET /messages/{id}/checks/spam',
    { summary: 'What SpamAssassin, rspamd or Postmark says', answer: schema.spamCheck },
    (call) =>
      withCaught(call, async (_, content) => {
        const { config, dialer, clock, httpFetch, lookUp } = call.catcher.parts
        if (config.spam === undefined)
          return new Refused(409, 'spam-off', '`catcher.spam` is not configured.')
        const verdict = await checkSpam(await content.raw(), {
          config: config.spam,
          dialer,
          clock,
          httpFetch,
          lookUp,
        })
        return { ...verdict, rules: [...verdict.rules] }
      }),
  ),
  apiRoute(
    'GET /tags',
    { summary: 'Tags in use', parameters: { inbox: 'Of this inbox alone.' }, answer: schema.tagList },
    ({ catcher, query }) => ({ tags: catcher.tags(query.get('inbox') ?? undefined) }),
  ),
  apiRoute(
    'PUT /tags/{tag}',
    { summary: 'Rename a tag', body: schema.renameRequest, answer: schema.changed },
    ({ catcher, params, body }) => ({ messages: catcher.renameTag(params['tag'] ?? '', body.name) }),
  ),
  apiRoute(
    'DELETE /tags/{tag}',
    { summary: 'Take a tag away from all messages', answer: schema.changed },
    ({ catcher, params }) => ({ messages: catcher.renameTag(params['tag'] ?? '', null) }),
  ),
  apiRoute('GET /inboxes', { summary: 'Inboxes with messages', answer: schema.inboxList }, ({ catcher }) => ({
    inboxes: catcher.inboxes(),
  })),
  apiRoute(
    'DELETE /inboxes/{inbox}',
    { summary: 'Delete all messages of an inbox', answer: schema.changed },
    async ({ catcher, params }) => ({ messages: await catcher.remove({ inbox: params['inbox'] ?? '' }) }),
  ),
  apiRoute('GET /chaos', { summary: 'Rules and triggers in force', answer: schema.chaosState }, chaosShape),
  apiRoute(
    'PUT /chaos',
    { summary: 'Set rules, seed or triggers', body: schema.chaosRequest, answer: schema.chaosState },
    (call) => {
      const { chaos } = call.catcher
      if (!chaos.enabled) return chaosOff
      const { rules, seed, triggers } = call.body
      if (rules !== undefined || seed !== undefined) {
        chaos.setRules(rules ?? chaos.rules.map(({ rule }) => rule), seed ?? chaos.seed)
      }
      if (triggers !== undefined) chaos.setTriggers(triggers)
      return chaosShape(call)
    },
  ),
  apiRoute(
    'POST /chaos/rules',
    { summary: 'Add a rule behind the others', body: schema.chaosRuleRequest, answer: schema.chaosState },
    (call) => {
      if (!call.catcher.chaos.enabled) return chaosOff
      call.catcher.chaos.addRule(call.body)
      return chaosShape(call)
    },
  ),
  apiRoute(
    'DELETE /chaos/rules/{rule}',
    { summary: 'Take a rule away, by its name', answer: schema.chaosState },
    (call) =>
      call.catcher.chaos.removeRule(call.params['rule'] ?? '')
        ? chaosShape(call)
        : new Refused(404, 'not-found', 'There is no rule of that name.'),
  ),
  apiRoute(
    'GET /refusals',
    { summary: 'Transactions that came to nothing, with their dialogue', answer: schema.refusalList },
    ({ catcher }) => ({ refusals: catcher.refusals.map(refusalShape) }),
  ),
  apiRoute('DELETE /refusals', { summary: 'Forget them', answer: null }, ({ catcher }) => {
    catcher.clearRefusals()
    return undefined
  }),
  apiRoute(
    'GET /webhooks',
    { summary: 'What webhooks were told', answer: schema.webhookList },
    ({ catcher }) => ({
      webhooks: [...catcher.webhooks],
    }),
  ),
]

function policyOf(query: URLSearchParams): string {
  const remote = query.get('remote') === '1'
  if (query.get('screenshot') === '1') return remote ? measuredMessagePolicy : measuredClosedPolicy
  return remote ? messagePolicy : closedMessagePolicy
}

const chaosOff = new Refused(409, 'chaos-off', '`catcher.chaos.enabled` is false.')

function chaosShape({ catcher: { chaos } }: Pick<Call, 'catcher'>) {
  return { enabled: chaos.enabled, seed: chaos.seed, rules: [...chaos.rules], triggers: chaos.triggers }
}

function plain(text: string): Response {
  return new Response(text, { headers: { 'content-type': 'text/plain; charset=utf-8' } })
}

/** For the schema's types, which know no readonly lists. */
export function shown(summary: CaughtSummary): schema.MessageSummary {
  const { tags, to, cc, bcc, replyTo } = summary
  return { ...summary, tags: [...tags], to: [...to], cc: [...cc], bcc: [...bcc], replyTo: [...replyTo] }
}

function envelopeShape({
  reversePath,
  parameters,
  recipients,
}: Parameters<typeof recordShape>[0]['envelope']) {
  return {
    ...{ reversePath, parameters: [...parameters] },
    recipients: recipients.map((one) => ({ ...one, parameters: [...one.parameters] })),
  }
}

function recordShape(record: NonNullable<Awaited<ReturnType<Call['catcher']['record']>>>) {
  return { ...record, envelope: envelopeShape(record.envelope), transcript: [...record.transcript] }
}

export function refusalShape(refusal: Call['catcher']['refusals'][number]) {
  return { ...refusal, envelope: envelopeShape(refusal.envelope), transcript: [...refusal.transcript] }
}

async function unsubscribeShape(content: CaughtContent) {
  const found = readListUnsubscribe(await content.fields())
  return { ...found, links: [...found.links], problems: [...found.problems] }
}

async function detail(
  { catcher }: Call,
  summary: CaughtSummary,
  content: CaughtContent,
): Promise<schema.MessageDetail> {
  const fields = await content.fields()
  const record = await catcher.record(summary.id)
  const parts = await Promise.all(
    content.attached().map(async ({ partId, place, part, fileName, contentId }) => {
      const { size, sha256 } = await content.digest(part)
      return { partId, place, contentType: contentTypeOf(part), fileName, contentId, size, sha256 }
    }),
  )
  return {
    ...shown(summary),
    date: valueOf(fields, 'date') || null,
    returnPath: valueOf(fields, 'return-path').replaceAll(/[<>\s]/g, ''),
    text: await content.text(),
    hasHtml: (await content.html()) !== '',
    parts,
    structure: nodeOf(content.structure.root, ''),
    defects: [...content.structure.defects],
    listUnsubscribe: await unsubscribeShape(content),
    record: record === null ? null : recordShape(record),
  }
}

function nodeOf(part: Part, path: string): schema.StructureNode {
  const named = decodeParameters(part.disposition?.parameters ?? []).get('filename')
  return {
    partId: path === '' ? '0' : path,
    contentType: contentTypeOf(part),
    fileName: named ?? decodeParameters(part.parameters).get('name') ?? '',
    encoding: part.encoding,
    size: part.bodyEnd - part.bodyStart,
    parts: part.parts.map((child, index) =>
      nodeOf(child, path === '' ? String(index + 1) : `${path}.${index + 1}`),
    ),
  }
}

async function authentication(
  {
    catcher,
    body,
  }: Call<{
    zone?: string | undefined
    address?: string | undefined
    helo?: string | undefined
    reversePath?: string | undefined
  }>,
  { summary, content }: { summary: CaughtSummary; content: CaughtContent },
) {
  const { config, hostname, resolver } = catcher.parts
  const record = await catcher.record(summary.id)
  const pieces: Uint8Array[] = []
  for await (const piece of content.original()) pieces.push(piece)
  const asked = {
    address: body.address ?? config.address,
    helo: body.helo ?? record?.session?.helo ?? hostname,
    reversePath: body.reversePath ?? record?.envelope.reversePath ?? summary.from?.address ?? '',
  }
  const check = await checkAuthentication(
    { ...asked, hostname, message: Buffer.concat(pieces), zone: body.zone ?? config.zone },
    resolver,
  )
  if (!check.ok) return new Refused(400, 'bad-zone', check.problem)
  const { spf, dkim, dmarc, arc, header } = check.results
  return {
    ...{ dns: check.dns, asked: [...check.asked], ...asked },
    ...{ spf, dmarc, arc, header },
    dkim: dkim.map((one) => ({ ...one, signedFields: [...one.signedFields] })),
  }
}

async function ingestMessage({ parts, request, query, env }: Call) {
  const { maxMessageSize } = parts
  const octets = await readBody(request, maxMessageSize === 0 ? Number.POSITIVE_INFINITY : maxMessageSize)
  if (octets === null)
    return new Refused(413, 'too-large', `The message is larger than ${maxMessageSize} octets.`)
  const whole = Buffer.from(octets.buffer, octets.byteOffset, octets.length)
  if (whole.length === 0) return new Refused(400, 'empty', 'There is no message in the request.')
  // Files have LF where they were not sent by anybody.
  const text = whole.toString('latin1').replaceAll(/\r?\n/g, '\r\n')
  const { fields } = splitHeader(text.slice(0, text.indexOf('\r\n\r\n') + 2 || undefined))
  const named = ['to', 'cc', 'bcc'].flatMap((name) => addressesIn(valueOf(fields, name)))
  const asked = query.getAll('to')
  const recipients = asked.length > 0 ? asked : named
  const result = await parts.ingest({
    content: [Buffer.from(text, 'latin1')],
    reversePath: query.get('from') ?? addressesIn(valueOf(fields, 'from'))[0] ?? '',
    recipients: recipients.length > 0 ? recipients : [parts.catcher.parts.account.address],
    remoteAddress: env.remoteAddress,
  })
  return result.ok ? { id: result.id } : new Refused(422, 'not-taken', result.error)
}

/** Bare addresses in a field's value. */
function addressesIn(value: string): string[] {
  return value.match(/[^\s<>,;:"()]+@[^\s<>,;:"()]+/g) ?? []
}
