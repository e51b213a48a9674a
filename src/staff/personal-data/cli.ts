/** `global-logout user export|erase`: options and help. */
import type { Command } from 'commander'
import { examples } from '../../cli/common.ts'
import type { EraseOptions, PersonalDataContext } from './cli-actions.ts'

/** Loaded when a command runs, to keep help and completion fast. */
const actions = () => import('./cli-actions.ts')

/** Adds to the command `user`. */
export function addPersonalDataCommands(users: Command, context: PersonalDataContext): void {
  users
    .command('export')
    .allowExcessArguments(false)
    .description("print all that is kept of a person, as JSON, to answer that person's request")
    .argument('<id>', 'exact id')
    .addHelpText('after', examples('user export demo-ada > demo-ada.json'))
    .addHelpText('after', '\nThe audit log says who exported whose data, and when.')
    .action(async (id: string) => (await actions()).exportData(context, id))

  users
    .command('erase')
    .allowExcessArguments(false)
    .description('end all sessions of a user, then erase the person from everything that is kept')
    .argument('<id>', 'exact id')
    .requiredOption('--reason <text>', 'reason for the audit log (required); it must not name the user')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('user erase demo-ada --reason "request 4711"'))
    .addHelpText(
      'after',
      `
This cannot be undone. "audit verify" still verifies. Delete the user in the application first: a sign-in after the
erasure makes a new user. Erase again if one happened in between.`,
    )
    .action(async (id: string, options: EraseOptions) => (await actions()).erase(context, id, options))
}
