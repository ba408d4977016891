// What all commands that work on a store or a running server have in common.
import type { Command } from 'commander'

/** A command with the options that all administration shares. */
export function admin(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option('--config <file>', 'configuration file; default: posthorn.config.ts or posthorn.toml here')
    .option('--data <folder>', 'data folder; default: the one of the configuration')
    .option('--json', 'print JSON')
}
