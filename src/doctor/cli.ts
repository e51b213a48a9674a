/** `global-logout doctor`: its options and help. */
import type { Command } from 'commander'
import { examples } from '../cli/common.ts'
import type { CommandContext } from '../cli/context.ts'
import type { JsonOption } from './cli-actions.ts'

/** Loaded when a command runs, so that help and completion start fast. */
const actions = () => import('./cli-actions.ts')

export function addDoctorCommand(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .allowExcessArguments(false)
    .description('check settings, database, rights and clocks; say how to fix each problem')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('doctor', 'doctor --json'))
    .addHelpText(
      'after',
      '\nChanges nothing. Exits with 1 if there is a problem, and with 0 if there are only warnings.',
    )
    .action(async (options: JsonOption) => (await actions()).diagnose(context, options))
}
