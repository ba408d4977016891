// From several layers of settings to one configuration, and where each value came from.
//
// Layers, weakest first: the schema's defaults, the profile, the file, the command line. Objects merge key by key; arrays and
// plain values of a stronger layer replace those of a weaker one, so `listeners` in a file is the whole list. A layer that
// changes nothing leaves no trace; the origin told for a value is the strongest layer that gave it.
import { z } from 'zod'
import { nearest } from './nearest.ts'
import { profileDefaults } from './profiles.ts'
import { type Config, configSchema, type ProfileName, profileNames } from './schema.ts'

/** Settings from one place; `name` is told to people (`posthorn.toml`, `--data`). */
export interface Layer {
  readonly name: string
  readonly settings: unknown
}

/** A configuration that cannot be used; the message lists every problem, one a line, with the key and its file. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** One effective value. */
export interface Explained {
  readonly key: string
  readonly value: unknown
  readonly origin: string
  readonly description: string
}

type Tree = { [key: string]: unknown }

/** Checks each layer alone (so that an error names its file), merges them, and fills in the defaults. */
export function resolveConfig(layers: readonly Layer[]): Config {
  const problems = layers.flatMap((layer) => problemsOf(layer))
  if (problems.length > 0) throw new ConfigError(problems.join('\n'))
  const merged = allLayers(layers).reduce<Tree>((tree, layer) => merge(tree, layer.settings), {})
  return configSchema.parse(merged)
}

/** Every effective value in order of the schema, with the layer that decided it. */
export function explainConfig(layers: readonly Layer[]): Explained[] {
  const config = resolveConfig(layers)
  const strongestFirst = allLayers(layers).toReversed()
  return leaves(config, '').map(({ key, value }) => ({
    key,
    // JSON, which people and programs read this as, has no functions.
    value: typeof value === 'function' ? '(a function)' : value,
    origin: strongestFirst.find((layer) => has(layer.settings, key.split('.')))?.name ?? 'default',
    description: describe(key) ?? '',
  }))
}

/** The same of a configuration whose layers nobody kept. */
export function listSettings(config: Config): Explained[] {
  return leaves(config, '').map(({ key, value }) => ({
    key,
    value: typeof value === 'function' ? '(a function)' : value,
    origin: '',
    description: describe(key) ?? '',
  }))
}

/** The description of a key such as `smtp.maxRecipients`. */
export function describe(key: string): string | undefined {
  let schema: z.ZodType | undefined = configSchema
  for (const name of key.split('.')) schema = schema && shapeOf(schema)?.[name]
  return schema && descriptionOf(schema)
}

function allLayers(layers: readonly Layer[]): readonly Layer[] {
  let profile: ProfileName = 'server'
  for (const layer of layers) {
    const chosen = isTree(layer.settings) ? layer.settings['profile'] : undefined
    profile = profileNames.find((name) => name === chosen) ?? profile
  }
  return [{ name: `profile ${profile}`, settings: profileDefaults(profile) }, ...layers]
}

function problemsOf(layer: Layer): string[] {
  const result = configSchema.safeParse(layer.settings)
  if (result.success) return []
  return result.error.issues.flatMap((issue) => {
    const where = issue.path.join('.')
    if (issue.code !== 'unrecognized_keys') return [`${layer.name}: ${where || 'settings'}: ${issue.message}`]
    return issue.keys.map((key) => {
      const guess = nearest(key, Object.keys(shapeAt(issue.path) ?? {}))
      const full = [...issue.path, key].join('.')
      return `${layer.name}: ${full}: no such setting${guess ? `; did you mean "${guess}"?` : ''}`
    })
  })
}

function merge(weaker: Tree, stronger: unknown): Tree {
  const result: Tree = { ...weaker }
  for (const [key, value] of Object.entries(isTree(stronger) ? stronger : {})) {
    const below = result[key]
    result[key] = isTree(value)
      ? merge(isTree(below) ? below : {}, value)
      : value === undefined
        ? below
        : value
  }
  return result
}

function leaves(value: unknown, prefix: string): { key: string; value: unknown }[] {
  if (!isTree(value)) return [{ key: prefix, value }]
  return Object.entries(value).flatMap(([key, child]) =>
    leaves(child, prefix === '' ? key : `${prefix}.${key}`),
  )
}

function has(settings: unknown, path: readonly string[]): boolean {
  let at = settings
  for (const name of path) {
    if (!isTree(at) || at[name] === undefined) return false
    at = at[name]
  }
  return true
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shapeAt(path: readonly PropertyKey[]): Record<string, z.ZodType> | undefined {
  let schema: z.ZodType | undefined = configSchema
  for (const name of path) {
    if (schema === undefined) return undefined
    schema = typeof name === 'number' ? elementOf(schema) : shapeOf(schema)?.[String(name)]
  }
  return schema && shapeOf(schema)
}

/** Through the wrappers that defaults and refinements put around a schema. */
function unwrapped(schema: z.ZodType): z.ZodType {
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

function shapeOf(schema: z.ZodType): Record<string, z.ZodType> | undefined {
  const inner = unwrapped(schema)
  return inner instanceof z.ZodObject ? (inner.shape as Record<string, z.ZodType>) : undefined
}

function elementOf(schema: z.ZodType): z.ZodType | undefined {
  const inner = unwrapped(schema)
  return inner instanceof z.ZodArray ? (inner.element as z.ZodType) : undefined
}

function descriptionOf(schema: z.ZodType): string | undefined {
  return schema.description ?? unwrapped(schema).description
}
