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

/** `data`, `tls.certificate` and `tls.key` as paths from the root; what is not well-formed is left to the schema. */
function withAbsolutePaths(settings: unknown, folder: string): unknown {
  if (!isObject(settings)) return settings
  const from = (path: unknown): unknown =>
    typeof path === 'string' && path !== '' ? resolve(folder, path) : path
  const result: Record<string, unknown> = { ...settings }
  if ('data' in result) result['data'] = from(result['data'])
  const { tls } = result
  if (isObject(tls)) {
    const { certificate, key, ...rest } = tls
    result['tls'] = {
      ...rest,
      ...(certificate === undefined ? {} : { certificate: from(certificate) }),
      ...(key === undefined ? {} : { key: from(key) }),
    }
  }
  return result
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
