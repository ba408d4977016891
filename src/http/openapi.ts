// The OpenAPI 3.1 document of the API, webhooks included, written from the schemas that check the requests: so it cannot promise what is
// not taken.
import { z } from 'zod'
import { type AdminOperation, adminRoutes } from './admin-routes.ts'
import type { Route } from './route.ts'
import { apiRoutes } from './routes.ts'
import {
  cancelResponse,
  eventsResponse,
  healthResponse,
  hookEvent,
  problem,
  sendRequest,
  sendResponse,
  statusResponse,
} from './schema.ts'

const components = {
  SendRequest: [sendRequest, 'input'],
  SendResponse: [sendResponse, 'output'],
  MessageStatus: [statusResponse, 'output'],
  Cancelled: [cancelResponse, 'output'],
  Event: [hookEvent, 'output'],
  Events: [eventsResponse, 'output'],
  Health: [healthResponse, 'output'],
  Problem: [problem, 'output'],
} as const

type ComponentName = keyof typeof components

/** A value of JSON; the same at every call. */
export function openApiDocument(operations: readonly AdminOperation[]): Record<string, unknown> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Posthorn',
      version: '1',
      description:
        'Sending mail, following it, and hearing what becomes of it. docs/http-api.md explains it.',
    },
    security: [{ basic: [] }, { bearer: [] }, { session: [] }],
    paths: {
      '/api/v1/messages': { post: sendOperation },
      '/api/v1/messages/{id}': {
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
        get: operation('What became of a message, recipient by recipient', { 200: 'MessageStatus' }),
        delete: operation('Cancel what has not been sent yet', { 200: 'Cancelled' }),
      },
      '/api/v1/events': {
        get: {
          ...operation('The events that webhooks are told', { 200: 'Events' }),
          security: [{ webhookSecret: [] }],
          parameters: [
            query('after', 'The last id that was read.', { type: 'integer', default: 0 }),
            query('limit', 'At most so many are looked at.', {
              type: 'integer',
              default: 100,
              maximum: 1000,
            }),
          ],
        },
      },
      '/api/v1/terminal': {
        get: {
          summary:
            'Be a terminal of the account: messages sent to it by SEND and SAML, as server-sent events',
          responses: {
            200: { description: 'Open until either side closes it.', content: { 'text/event-stream': {} } },
          },
        },
      },
      '/api/v1/health': { get: { ...operation('Whether the server runs', { 200: 'Health' }), security: [] } },
      ...routePaths([...apiRoutes(), ...adminRoutes(operations)]),
    },
    webhooks,
    components: { schemas: schemas(), securitySchemes },
  }
}

const webhooks = {
  event: {
    post: {
      summary: 'Sent to each configured webhook, in order, at least once, signed as in Standard Webhooks',
      parameters: ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => ({
        name,
        in: 'header',
        required: true,
        schema: { type: 'string' },
      })),
      requestBody: { required: true, content: json('Event') },
      responses: { '2XX': { description: 'Taken. Anything else is tried again.' } },
    },
  },
}

/** The rows, by path and method. */
function routePaths(routes: readonly Route[]): Record<string, Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    const at = (paths[route.path] ??= {})
    const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    if (names.length > 0) {
      at['parameters'] = names.map((name) => ({
        name,
        in: 'path',
        required: true,
        schema: { type: 'string' },
      }))
    }
    at[route.method.toLowerCase()] = routeOperation(route)
  }
  return paths
}

function routeOperation({ summary, group, access, body, answer, status }: Route): object {
  const good =
    answer === null ? {} : { content: { 'application/json': { schema: schemaOf(answer, 'output') } } }
  const given = body && {
    requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } },
  }
  return {
    summary,
    tags: [group],
    ...(access === 'anyone' ? { security: [] } : { description: whoMay[access] }),
    ...given,
    responses: {
      [status]: { description: answer === null ? 'Done' : 'Answer', ...good },
      default: { description: 'Refused', content: { 'application/problem+json': reference('Problem') } },
    },
  }
}

const whoMay = {
  person: 'By session or the account’s password; not by an app password.',
  mail: 'Needs the scope mail.',
  send: 'Needs the scope send.',
  settings: 'Needs the scope settings.',
  admin: 'Needs the scope admin, of an account with the role admin.',
} as const

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): unknown {
  // The dialect is the document's to say.
  const { $schema: _, ...text } = z.toJSONSchema(schema, { io, reused: 'inline' })
  return text
}

const securitySchemes = {
  basic: {
    type: 'http',
    scheme: 'basic',
    description: 'Name of an account, and its password or an app password.',
  },
  bearer: { type: 'http', scheme: 'bearer', description: 'A token that the configured verifier takes.' },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-posthorn-session',
    description: 'A session of the pages. What changes something must come from them.',
  },
  webhookSecret: { type: 'http', scheme: 'bearer', description: 'The secret of a configured webhook.' },
}

const sendOperation = {
  ...operation('Send a message', { 200: 'SendResponse', 202: 'SendResponse' }),
  description:
    '202: durable in every mailbox and queue that it was for. 200: with `mode=direct`, what the hosts of the recipients said.',
  parameters: [
    query('mode', '`direct` delivers end to end, at once, and keeps nothing.', {
      enum: ['queue', 'direct'],
      default: 'queue',
    }),
    query('from', 'With message/rfc822: the reverse-path; empty for none. Default: the author.', {
      type: 'string',
    }),
    query('to', 'With message/rfc822: a recipient, once for each. Default: To, Cc and Bcc.', {
      type: 'array',
      items: { type: 'string' },
    }),
    query('scheduledAt', 'With message/rfc822.', { type: 'string', format: 'date-time' }),
    query('requireTls', 'With message/rfc822.', { type: 'boolean' }),
    {
      name: 'Idempotency-Key',
      in: 'header',
      description:
        'A request with a key that was accepted before is not done again, and gets the first answer.',
      schema: { type: 'string', maxLength: 200 },
    },
  ],
  requestBody: { required: true, content: { ...json('SendRequest'), 'message/rfc822': {} } },
}

function query(name: string, description: string, schema: object): object {
  return { name, in: 'query', description, schema }
}

function operation(summary: string, answers: Readonly<Record<number, ComponentName>>): object {
  const good = Object.entries(answers).map(([code, name]) => [
    code,
    { description: name, content: json(name) },
  ])
  const bad = { description: 'Refused', content: { 'application/problem+json': reference('Problem') } }
  return { summary, responses: { ...Object.fromEntries(good), default: bad } }
}

function json(name: ComponentName): object {
  return { 'application/json': reference(name) }
}

function reference(name: ComponentName): object {
  return { schema: { $ref: `#/components/schemas/${name}` } }
}

function schemas(): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(components).map(([name, [schema, io]]) => [name, schemaOf(schema, io)]),
  )
}
