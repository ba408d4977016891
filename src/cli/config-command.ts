// `posthorn config explain` and `posthorn config check`.
import { type Command, Option } from 'commander'
import { type Explained, explainConfig } from '../config/layers.ts'
import { nearest } from '../config/nearest.ts'
import { profileNames, type ProfileName } from '../config/schema.ts'
import { configWarnings } from '../config/warnings.ts'
import { type ConfigOptions, configFailure, configLayers, loadConfig } from './configuration.ts'
import { CommandError, exitCode, type Io, print, table } from './io.ts'

interface Options extends ConfigOptions {
  readonly json?: boolean
  readonly profile?: ProfileName
}

const configHelp = 'configuration file (TOML, or a module); default: posthorn.config.ts or posthorn.toml here'

/** Adds the `config` commands. */
export function addConfigCommands(program: Command, io: Io): void {
  const config = program.command('config').description('Look at the configuration.')
  config
    .command('explain [prefix]')
    .description('Print every effective setting and where it came from.')
    .option('--config <file>', configHelp)
    .option('--data <folder>', 'data folder; default: the one of the configuration')
    .addOption(
      new Option('--profile <name>', 'explain a profile; default: that of the configuration').choices(
        profileNames,
      ),
    )
    .option('--json', 'print JSON')
    .action(async (prefix: string | undefined, options: Options) => {
      const layers = await configLayers(options, options.profile)
      try {
        const settings = settingsUnder(prefix ?? '', explainConfig(layers))
        print(io, options, settings, (all) =>
          table(
            ['setting', 'value', 'from', 'meaning'],
            all.map((setting) => [
              setting.key,
              JSON.stringify(setting.value),
              setting.origin,
              setting.description,
            ]),
            'No settings.',
          ),
        )
      } catch (error) {
        throw configFailure(error)
      }
    })
  config
    .command('check')
    .description(
      'Read the configuration, say whether it can be used, and warn of what is probably not meant.',
    )
    .option('--config <file>', configHelp)
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

function settingsUnder(prefix: string, all: readonly Explained[]): Explained[] {
  const found = all.filter((setting) => setting.key.startsWith(prefix))
  if (found.length > 0) return found
  // A slip may be in the section as well as in the setting.
  const sections = new Set(all.map(({ key }) => key.split('.')[0] ?? key))
  const guess = nearest(prefix, prefix.includes('.') ? all.map(({ key }) => key) : sections)
  const hint = guess === undefined ? `There are: ${[...sections].join(', ')}.` : `Did you mean "${guess}"?`
  throw new CommandError(exitCode.refused, `No setting starts with "${prefix}". ${hint}`)
}
