// What all routes of Mailpit's API have in common: its answers in text, the message that a request means, bodies by their schema.
import type { Context, Hono } from 'hono'
import { z } from 'zod'
import type { Catcher } from '../catcher.ts'
import type { FindRequest } from '../find.ts'
import type { CaughtContent } from '../content.ts'
import { bodyText, type CatcherBindings } from '../gate.ts'
import type { CaughtSummary } from '../message.ts'
import type { Submit } from './send.ts'

export type MailpitContext = Context<CatcherBindings>
export type MailpitApp = Hono<CatcherBindings>

export interface MailpitParts {
  readonly catcher: Catcher
  /** Hands a message in, as by the send API. */
  readonly submit: Submit
  /** Octets of a request that carries a message. */
  readonly maxMessageSize: number
  readonly version: string
  /** The engine in words, for `info`. */
  readonly database: string
}

export function text(body: string, status = 200, type = 'text/plain; charset=utf-8'): Response {
  return new Response(body, { status, headers: { 'content-type': type } })
}

export const refused = (why: string): Response => text(why, 400)
export const notFound = (): Response => text('404 page not found', 404)
export const done = (): Response => text('ok', 200, 'text/plain')

export function searchOf(context: MailpitContext, query: string): FindRequest {
  const timeZone = context.req.query('tz')
  return { query, ...(timeZone === undefined || timeZone === '' ? {} : { timeZone }) }
}

/** `latest` is the newest, or the newest that a `query` finds. */
export async function withMessage(
  context: MailpitContext,
  catcher: Catcher,
  work: (summary: CaughtSummary, content: CaughtContent) => Promise<Response>,
  {
    id: named = context.req.param('id') ?? '',
    missing = notFound,
  }: { readonly id?: string; readonly missing?: () => Response } = {},
): Promise<Response> {
  const query = (context.req.query('query') ?? '').trim()
  const id = named === 'latest' ? await catcher.latest(searchOf(context, query)) : named
  if (id === undefined) return text('Message not found', 404)
  const summary = catcher.summary(id)
  const content = await catcher.open(id)
  return summary === undefined || content === undefined ? missing() : work(summary, content)
}

/** The body by its schema, or the response that refuses it. */
export async function jsonBody<S extends z.ZodType>(
  context: MailpitContext,
  { parts }: Catcher,
  schema: S,
): Promise<z.output<S> | Response> {
  const body = await bodyText(context.req.raw, parts.config.limits.requestSize)
  if (body === undefined) return text('request body too large', 413)
  const value = tryJson(body)
  if (value === undefined) return refused(body === '' ? 'EOF' : 'invalid JSON')
  const parsed = schema.safeParse(value)
  return parsed.success ? parsed.data : refused(z.prettifyError(parsed.error))
}

export function tryJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
