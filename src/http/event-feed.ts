// `GET /api/v1/events`: what webhooks are told, for those who would rather ask, or who missed something. The bearer token is the
// secret of a configured webhook; it opens the events that this webhook is for.
import { Buffer } from 'node:buffer'
import { createHash, timingSafeEqual } from 'node:crypto'
import type { WebhookConfig } from '../config/sections/http.ts'
import type { HookEvent } from '../store/queue.ts'
import type { RequestOrigin } from './authenticate.ts'
import type { HttpParts } from './parts.ts'
import { makeProblem, type Problem } from './problem.ts'
import type { eventsResponse, hookEvent } from './schema.ts'
import type { z } from 'zod'

/** Events with ids above `after`, oldest first, and where to go on. */
export async function readFeed(
  parts: HttpParts,
  request: Request,
  origin: RequestOrigin,
): Promise<z.output<typeof eventsResponse> | Problem> {
  if (!origin.secure && parts.clearText === 'refused') {
    return makeProblem(403, 'tls-required', 'Credentials are taken over TLS alone.')
  }
  const token = /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? ''
  const webhook = parts.webhooks.find(({ secret }) => isSame(secret.reveal(), token))
  if (webhook === undefined) {
    return {
      ...makeProblem(401, 'unauthorized', 'The bearer token is the secret of a webhook.'),
      headers: { 'www-authenticate': 'Bearer' },
    }
  }
  const query = new URL(request.url).searchParams
  const after = readCount(query.get('after') ?? '0')
  const limit = readCount(query.get('limit') ?? '100')
  if (after === undefined || limit === undefined || limit < 1) {
    return makeProblem(400, 'bad-query', '`after` and `limit` are numbers.')
  }
  const read = await parts.store.hookEvents({ after, limit: Math.min(limit, parts.config.maxFeedEvents) })
  return { events: read.filter((event) => isFor(webhook, event)).map(shown), next: read.at(-1)?.id ?? after }
}

/** Whether the webhook is told of such events. */
export function isFor({ events }: WebhookConfig, { type }: HookEvent): boolean {
  return events.some((wanted) => wanted === type)
}

/** An event as it is sent. */
export function shown({ id, type, at, payload }: HookEvent): z.output<typeof hookEvent> {
  return {
    id,
    // The store keeps what this program wrote: a type of the list, and an object.
    type: type as z.output<typeof hookEvent>['type'],
    timestamp: new Date(at).toISOString(),
    data: JSON.parse(payload) as Record<string, unknown>,
  }
}

function readCount(text: string): number | undefined {
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined
  return value
}

/** Hashes of equal length, so that the time tells nothing. */
function isSame(secret: string, token: string): boolean {
  const [left, right] = [secret, token].map((text) => createHash('sha256').update(Buffer.from(text)).digest())
  return left !== undefined && right !== undefined && timingSafeEqual(left, right)
}
