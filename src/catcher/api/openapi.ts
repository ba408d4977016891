// The OpenAPI 3.1 document of the catcher's API, written from its routes; and Mailpit's paths, by name alone, since their document is
// Mailpit's own.
import { z } from 'zod'
import { catcherRoutes } from './routes.ts'
import type { ApiRoute } from './route.ts'
import { liveEvent, problem } from './schema.ts'

const base = '/api/v1/catcher'
/** The group of all routes. */
const caught = 'Caught mail'

export function catcherOpenApi(): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of catcherRoutes) {
    const at = (paths[`${base}${route.path}`] ??= {})
    at[route.method.toLowerCase()] = operation(route)
  }
  paths[`${base}/events`] = {
    get: {
      tags: [caught],
      summary: 'What happens, as server-sent events',
      parameters: [query('inbox', 'Of this inbox alone.')],
      responses: {
        200: {
          description: 'Open until either side closes it.',
          content: { 'text/event-stream': { schema: schemaOf(liveEvent) } },
        },
      },
    },
  }
  paths[`${base}/live`] = {
    get: {
      tags: [caught],
      summary: 'The same over a WebSocket',
      responses: { 101: { description: 'One JSON object a message.' } },
    },
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Posthorn catcher',
      version: '1',
      description:
        'Caught mail. Beside it, Mailpit’s API version 1 is at the same paths as there. docs/catcher.md explains both.',
    },
    paths,
    components: { schemas: { Problem: schemaOf(problem) } },
  }
}

function operation({ summary, path, parameters, body, answer }: ApiRoute): object {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const given = body && {
    requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } },
  }
  return {
    summary,
    tags: [caught],
    parameters: [
      ...names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
      ...Object.entries(parameters).map(([name, description]) => query(name, description)),
    ],
    ...given,
    responses: {
      200: {
        description: answer === null ? 'The content, or nothing' : 'Answer',
        ...(answer && { content: { 'application/json': { schema: schemaOf(answer) } } }),
      },
      default: {
        description: 'Refused',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  }
}

function query(name: string, description: string): object {
  return { name, in: 'query', description, schema: { type: 'string' } }
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output' = 'output'): unknown {
  // The dialect is the document's to say; a duration of the configuration is text or a number.
  const { $schema: _, ...text } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return text
}
