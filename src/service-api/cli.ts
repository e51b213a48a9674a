/** `global-logout keys`: options and help of the commands for service keys. */
import { type Command, Option } from 'commander'
import { examples, WIDE } from '../cli/common.ts'
import type { CreateOptions, KeysContext, ListOptions, RevokeOptions } from './cli-actions.ts'
import { KEY_SCOPES } from './scopes.ts'

/** Loaded when a command runs, so that help and completion start fast. */
const actions = () => import('./cli-actions.ts')

/** Adds the command to `program`. */
export function addKeysCommand(program: Command, context: KeysContext): void {
  const keys = program.command('keys').description('create, list and revoke service keys')
  // Without an action, commander would print the help and exit with 0.
  keys.action(() => keys.error('keys needs a command: create, list or revoke'))

  keys
    .command('create')
    .allowExcessArguments(false)
    .description('create a key and print its secret, which is shown only once')
    .requiredOption('--name <name>', 'name of the service that uses the key')
    .addOption(
      new Option('--scope <scope...>', 'what the key may do').choices(KEY_SCOPES).makeOptionMandatory(),
    )
    .option('--expires <duration>', 'lifetime: 90s, 30m, 12h, 90d, or never', '365d')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `${examples('keys create --name "edge gateway" --scope introspect', 'keys create --name shop --scope sessions:create events --expires 90d --json')}

To rotate a key: create a second one, give it to the service, revoke the first. Until then, both work.`,
    )
    .action(async (options: CreateOptions) => (await actions()).create(context, options))

  keys
    .command('list')
    .allowExcessArguments(false)
    .description('list keys, without their secrets')
    .option('--all', 'include expired and revoked keys')
    .option(...WIDE)
    .option('--json', 'print JSON')
    .addHelpText('after', examples('keys list', 'keys list --all --json'))
    .action(async (options: ListOptions) => (await actions()).list(context, options))

  keys
    .command('revoke')
    .allowExcessArguments(false)
    .description('revoke a key, from its next request on')
    .argument('<id>', 'its id, or the beginning that "keys list" prints')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('keys revoke 0f6e6b78 --yes'))
    .action(async (id: string, options: RevokeOptions) => (await actions()).revoke(context, id, options))
}
