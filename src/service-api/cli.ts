/** `global-logout keys`: the options and help of the commands on service keys. */
import { type Command, Option } from 'commander'
import { examples } from '../cli/common.ts'
import type { CommandContext } from '../cli/context.ts'
import type { CreateOptions, ListOptions, RevokeOptions } from './cli-actions.ts'
import { KEY_SCOPES } from './scopes.ts'

/** Loaded when a command runs: help and completion need none of it. */
const actions = () => import('./cli-actions.ts')

/** Adds the command to `program`. */
export function addKeysCommand(program: Command, context: CommandContext): void {
  const keys = program.command('keys').description('the credentials of services: create, list, revoke')
  // Without a command of its own it would print the help and succeed.
  keys.action(() => keys.error('keys: create, list or revoke?'))

  keys
    .command('create')
    .allowExcessArguments(false)
    .description('make a key and print its secret, this once')
    .requiredOption('--name <name>', 'whose key it is, for people')
    .addOption(new Option('--scope <scope...>', 'what it may do').choices(KEY_SCOPES).makeOptionMandatory())
    .option('--expires <duration>', '90s, 30m, 12h, 90d, or never', '365d')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `${examples('keys create --name "edge gateway" --scope introspect', 'keys create --name shop --scope sessions:create events --expires 90d --json')}

To rotate: create a second key, change the service over, revoke the first. Both work meanwhile.`,
    )
    .action(async (options: CreateOptions) => (await actions()).create(context, options))

  keys
    .command('list')
    .allowExcessArguments(false)
    .description('show keys, never their secrets')
    .option('--all', 'also those that expired or were revoked')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('keys list', 'keys list --all --json'))
    .action(async (options: ListOptions) => (await actions()).list(context, options))

  keys
    .command('revoke')
    .allowExcessArguments(false)
    .description('refuse a key from the next request on')
    .argument('<id>', 'of the key, as "keys list" shows it')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('keys revoke 0f6e6b78-1c5d-4b7e-9f3a-2d1c0b9a8e7f --yes'))
    .action(async (id: string, options: RevokeOptions) => (await actions()).revoke(context, id, options))
}
