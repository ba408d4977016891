// From several layers of settings to one configuration, and where each value came from.
//
// Layers, weakest first: the schema's defaults, the profile, the file, the command line. Objects merge key by key; arrays and
// plain values of a stronger layer replace those of a weaker one, so `listeners` in a file is the whole list. A layer that
// changes nothing leaves no trace; the origin told for a value is the strongest layer that gave it.
import type { z } from 'zod'
import { elementOf, settingCatalogue, shapeOf } from './catalogue.ts'
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

/** Every effective value in order of the schema, with the layer that decided it; null is the value of what nobody gave and has no default. */
export function explainConfig(layers: readonly Layer[]): Explained[] {
  const config = resolveConfig(layers)
  const strongestFirst = allLayers(layers).toReversed()
  return settingsOf(config).map(({ key, value, description }) => ({
    ...{ key, value, description },
    origin: strongestFirst.find((layer) => has(layer.settings, key.split('.')))?.name ?? 'default',
  }))
}

/** The same of a configuration whose layers nobody kept. */
export function listSettings(config: Config): Explained[] {
  return settingsOf(config).map((setting) => ({ ...setting, origin: '' }))
}

function settingsOf(config: Config): Omit<Explained, 'origin'>[] {
  const given = new Map(leaves(config, '').map(({ key, value }) => [key, value]))
  const settings = settingCatalogue()
    .filter(({ key, default: { type } }) => given.has(key) || (type === 'none' && isReached(config, key)))
    .map(({ key, description }) => ({ key, value: given.get(key) ?? null, description }))
  const known = new Set(settings.map(({ key }) => key))
  // Below what has names of its own choosing the schema has no keys.
  const others = [...given].filter(([key]) => !known.has(key))
  return [...settings, ...others.map(([key, value]) => ({ key, value, description: '' }))].map((setting) => ({
    ...setting,
    // JSON, which people and programs read this as, has no functions.
    value: typeof setting.value === 'function' ? '(a function)' : setting.value,
  }))
}

/** Fields of what is absent as a whole, or listed, are no settings of this configuration. */
function isReached(config: Config, key: string): boolean {
  const path = key.split('.')
  return !key.includes('[]') && has(config, path.slice(0, -1)) && !has(config, path)
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
