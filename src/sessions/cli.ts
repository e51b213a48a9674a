/** `global-logout sweep`: its options and help. */
import type { Command } from 'commander'
import { examples } from '../cli/common.ts'
import type { CommandContext } from '../cli/context.ts'
import type { SweepOptions } from './cli-actions.ts'

/** Loaded when a command runs, so that help and completion start fast. */
const actions = () => import('./cli-actions.ts')

export function addSweepCommand(program: Command, context: CommandContext): void {
  program
    .command('sweep')
    .allowExcessArguments(false)
    .description('delete expired sessions now; a running service does so every minute')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('sweep'))
    .action(async (options: SweepOptions) => (await actions()).sweepNow(context, options))
}
