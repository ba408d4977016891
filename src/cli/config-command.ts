// `posthorn config explain` and `posthorn config check`.
import type { Command } from 'commander'
import { explainConfig } from '../config/layers.ts'
import { profileNames, type ProfileName } from '../config/schema.ts'
import { configWarnings } from '../config/warnings.ts'
import { type ConfigOptions, configFailure, configLayers, loadConfig } from './configuration.ts'
import { type Io, print, table } from './io.ts'

interface Options extends ConfigOptions {
  readonly json?: boolean
  readonly profile?: ProfileName
}

/** Adds the `config` commands. */
export function addConfigCommands(program: Command, io: Io): void {
  const config = program.command('config').description('Look at the configuration.')
  config
    .command('explain [prefix]')
    .description('Print every effective setting and where it came from.')
    .option('--config <file>', 'configuration file (TOML, or a module)')
    .option('--data <folder>', 'data folder')
    .option('--profile <name>', `explain a profile: ${profileNames.join(', ')}`)
    .option('--json', 'print JSON')
    .action(async (prefix: string | undefined, options: Options) => {
      const layers = await configLayers(options, options.profile)
      try {
        const settings = explainConfig(layers).filter((setting) => setting.key.startsWith(prefix ?? ''))
        print(io, options, settings, (all) =>
          table(
            ['setting', 'value', 'from', 'meaning'],
            all.map((setting) => [
              setting.key,
              JSON.stringify(setting.value),
              setting.origin,
              setting.description,
            ]),
            `No setting starts with "${prefix ?? ''}".`,
          ),
        )
      } catch (error) {
        throw configFailure(error)
      }
    })
  config
    .command('check')
    .description('Read the configuration and say whether it can be used.')
    .option('--config <file>', 'configuration file (TOML, or a module)')
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const loaded = await loadConfig(options)
      const { profile, listeners } = loaded
      const warnings = configWarnings(loaded)
      print(io, options, { ok: true, profile, listeners, warnings }, () => {
        const sound = `The configuration is sound: profile ${profile}, ${listeners.length} listeners.\n`
        return warnings.map((warning) => `warning: ${warning}\n`).join('') + sound
      })
    })
}
