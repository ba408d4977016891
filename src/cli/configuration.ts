// From the command line's options to the layers of configuration.
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { ConfigError, type Layer, resolveConfig } from '../config/layers.ts'
import { loadConfigFile } from '../config/load.ts'
import type { Config, ProfileName } from '../config/schema.ts'
import { CommandError, exitCode } from './io.ts'

/** Options that every command with a configuration takes. */
export interface ConfigOptions {
  readonly config?: string
  readonly data?: string
}

const defaultFiles = ['posthorn.config.ts', 'posthorn.toml']

/** The layers: system, file (named, or the default one where it exists), command line. */
export async function configLayers(options: ConfigOptions, profile?: ProfileName): Promise<Layer[]> {
  const layers: Layer[] = [{ name: 'system', settings: { hostname: hostname() } }]
  const file =
    options.config ?? (profile === undefined ? defaultFiles.find((name) => existsSync(name)) : undefined)
  if (profile !== undefined) layers.push({ name: `posthorn ${profile}`, settings: { profile } })
  if (file !== undefined) layers.push(await loadConfigFile(file))
  if (options.data !== undefined) layers.push({ name: '--data', settings: { data: resolve(options.data) } })
  return layers
}

/** The effective configuration; problems become one error that lists them all. */
export async function loadConfig(options: ConfigOptions, profile?: ProfileName): Promise<Config> {
  try {
    return resolveConfig(await configLayers(options, profile))
  } catch (error) {
    throw configFailure(error)
  }
}

/** A `ConfigError` as a command's failure; anything else as it is. */
export function configFailure(error: unknown): unknown {
  if (!(error instanceof ConfigError)) return error
  return new CommandError(
    exitCode.config,
    `${error.message}\nRun \`posthorn config explain\` to see every setting.`,
  )
}
