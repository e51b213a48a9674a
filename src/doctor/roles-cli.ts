/** `global-logout roles`: options and help. */
import { type Command, Option } from 'commander'
import { examples } from '../cli/common.ts'
import type { CommandContext } from '../cli/context.ts'
import type { RolesOptions } from './roles-action.ts'

export function addRolesCommand(program: Command, context: CommandContext): void {
  program
    .command('roles')
    .allowExcessArguments(false)
    .description('show the rights of each database role on each table and function of the service')
    .option('--json', 'print JSON')
    .addOption(new Option('--markdown', 'print the table of docs/operations.md').conflicts('json'))
    .addHelpText('after', examples('roles', 'roles --json'))
    .addHelpText(
      'after',
      `
service, checker, application and staff_application are the roles global_logout_service,
global_logout_checker and so on; stranger is any other login. Everything in the schema of the
service is listed.`,
    )
    .action(async (options: RolesOptions) => (await import('./roles-action.ts')).showRoles(context, options))
}
