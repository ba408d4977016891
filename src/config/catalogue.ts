// Every setting that there is, from the schema itself: also those that are absent unless given (`tls.certificate`), and the fields of what is
// listed (`listeners[].port`). `config explain`, docs/generated/config.md and the check of the pages read it.
import { z } from 'zod'
import { configSchema } from './schema.ts'

/** One setting. */
export interface CatalogueEntry {
  /** `smtp.maxRecipients`, `listeners[].port`. */
  readonly key: string
  readonly description: string
  /** What it is where nobody gives it: a value, nothing at all, or it must be given. */
  readonly default: { readonly type: 'value'; readonly value: unknown } | { readonly type: 'none' | 'needed' }
}

/** In order of the schema. */
export function settingCatalogue(): CatalogueEntry[] {
  return fieldsOf(configSchema, '')
}

function fieldsOf(schema: z.ZodType, prefix: string): CatalogueEntry[] {
  const entries = new Map<string, CatalogueEntry>()
  for (const shape of shapesOf(schema)) {
    for (const [name, field] of Object.entries(shape)) {
      for (const entry of entriesOf(field, `${prefix}${name}`)) {
        // Routes of several kinds have the same field; the first tells what it is.
        if (!entries.has(entry.key)) entries.set(entry.key, entry)
      }
    }
  }
  return [...entries.values()]
}

function entriesOf(schema: z.ZodType, key: string): CatalogueEntry[] {
  const element = elementOf(schema)
  const own = { key, description: descriptionOf(schema), default: defaultOf(schema) }
  if (shapesOf(schema).length > 0) {
    // A section that may be absent as a whole is a setting itself.
    return [...(own.default.type === 'none' ? [own] : []), ...fieldsOf(schema, `${key}.`)]
  }
  return element === undefined || shapesOf(element).length === 0
    ? [own]
    : [own, ...fieldsOf(element, `${key}[].`)]
}

function defaultOf(schema: z.ZodType): CatalogueEntry['default'] {
  const result = schema.safeParse(undefined)
  if (!result.success) return { type: 'needed' }
  return result.data === undefined ? { type: 'none' } : { type: 'value', value: result.data }
}

/** Through the wrappers that defaults and refinements put around a schema. */
export function unwrapped(schema: z.ZodType): z.ZodType {
  let inner: z.ZodType = schema
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodNullable
  ) {
    // The library types what is inside as its core type; all of ours are made by `z` itself.
    inner = inner.unwrap() as z.ZodType
  }
  return inner
}

export function shapeOf(schema: z.ZodType): Record<string, z.ZodType> | undefined {
  const inner = unwrapped(schema)
  return inner instanceof z.ZodObject ? (inner.shape as Record<string, z.ZodType>) : undefined
}

/** Of an object, or of each kind that it may be of. */
function shapesOf(schema: z.ZodType): Record<string, z.ZodType>[] {
  const inner = unwrapped(schema)
  // The kinds of a union are made by `z` too.
  if (inner instanceof z.ZodUnion) return (inner.options as z.ZodType[]).flatMap(shapesOf)
  const shape = shapeOf(inner)
  return shape === undefined ? [] : [shape]
}

export function elementOf(schema: z.ZodType): z.ZodType | undefined {
  const inner = unwrapped(schema)
  return inner instanceof z.ZodArray ? (inner.element as z.ZodType) : undefined
}

function descriptionOf(schema: z.ZodType): string {
  return schema.description ?? unwrapped(schema).description ?? ''
}
