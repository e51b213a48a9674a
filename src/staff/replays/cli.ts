/** `global-logout user acknowledge`: options and help. */
import type { Command } from 'commander'
import { examples } from '../../cli/common.ts'
import type { AcknowledgeOptions, ReplaysContext } from './cli-actions.ts'

/** Adds to the command `user`. */
export function addReplayCommands(users: Command, context: ReplaysContext): void {
  users
    .command('acknowledge')
    .allowExcessArguments(false)
    .description('acknowledge the reused revoked tokens of a user: they are no alarm any more')
    .argument('<id>', 'exact id')
    .requiredOption('--reason <text>', 'reason for the audit log (required)')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('user acknowledge demo-ada --reason "her old laptop, ticket 4711"'))
    .action(async (id: string, options: AcknowledgeOptions) =>
      (await import('./cli-actions.ts')).acknowledge(context, id, options),
    )
}
