// From the command line's options to the layers of configuration.
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, resolve } from 'node:path'
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
  const file = configFile(options, profile)
  if (profile !== undefined) layers.push({ name: `posthorn ${profile}`, settings: { profile } })
  if (file !== undefined) layers.push(await loadConfigFile(file))
  if (options.data !== undefined) layers.push({ name: '--data', settings: { data: resolve(options.data) } })
  return layers
}

function configFile(options: ConfigOptions, profile?: ProfileName): string | undefined {
  return options.config ?? (profile === undefined ? defaultFiles.find((name) => existsSync(name)) : undefined)
}

/** The effective configuration; problems become one error that lists them all. */
export async function loadConfig(options: ConfigOptions, profile?: ProfileName): Promise<Config> {
  try {
    const config = resolveConfig(await configLayers(options, profile))
    if (config.data === null) return config
    // A profile's own folder name, too, is taken from beside the file: the same store from wherever the command is given.
    return { ...config, data: resolve(dirname(configFile(options, profile) ?? '.'), config.data) }
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
