// Reads a configuration file: TOML for operators, a module (`export default defineConfig({ … })`) for programmers.
import { readFile } from 'node:fs/promises'
import { dirname, extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigError, type Layer } from './layers.ts'

const moduleExtensions = new Set(['.ts', '.mts', '.js', '.mjs'])

/**
 * The file's settings as a layer. Relative paths in it (`data`, `tls`) are taken from the file's own folder.
 * Throws `ConfigError` when the file cannot be read or is no valid TOML or module.
 */
export async function loadConfigFile(file: string): Promise<Layer> {
  const path = resolve(file)
  const settings = moduleExtensions.has(extname(path))
    ? await fromModule(path, file)
    : await fromToml(path, file)
  return { name: file, settings: withAbsolutePaths(settings, dirname(path)) }
}

/** Paths of files and folders as paths from the root; what is not well-formed is left to the schema. */
function withAbsolutePaths(settings: unknown, folder: string): unknown {
  if (!isObject(settings)) return settings
  const from = (path: unknown): unknown =>
    typeof path === 'string' && path !== '' ? resolve(folder, path) : path
  const result: Record<string, unknown> = { ...settings }
  if ('data' in result) result['data'] = from(result['data'])
  const { tls, relay, collect } = result
  if (isObject(tls)) {
    const files = ['certificate', 'key', 'clientAuthorities'].filter((name) => name in tls)
    result['tls'] = { ...tls, ...Object.fromEntries(files.map((name) => [name, from(tls[name])])) }
  }
  if (relay !== undefined) result['relay'] = withAbsoluteFiles(relay, from)
  if (collect !== undefined) result['collect'] = withAbsoluteFiles(collect, from)
  return result
}

/** The same for whatever is called `…File` (`passwordFile`, `certificateFile`), at any depth. */
function withAbsoluteFiles(value: unknown, from: (path: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => withAbsoluteFiles(one, from))
  if (!isSection(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, below]) => [
      name,
      name.endsWith('File') ? from(below) : withAbsoluteFiles(below, from),
    ]),
  )
}

/** Dates and instances of classes, which a module may hold, are none. */
function isSection(value: unknown): value is Record<string, unknown> {
  if (!isObject(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

async function fromModule(path: string, file: string): Promise<unknown> {
  let loaded: { default?: unknown }
  try {
    loaded = (await import(pathToFileURL(path).href)) as { default?: unknown }
  } catch (error) {
    throw new ConfigError(`${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
  if (loaded.default === undefined) {
    throw new ConfigError(`${file}: has no default export; write \`export default defineConfig({ … })\``)
  }
  return loaded.default
}

async function fromToml(path: string, file: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new ConfigError(
      `${file}: cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    )
  }
  const { parse: parseToml, TomlError } = await import('smol-toml')
  try {
    return parseToml(text)
  } catch (error) {
    if (error instanceof TomlError)
      throw new ConfigError(`${file}: ${error.message.trim()}`, { cause: error })
    throw error
  }
}
