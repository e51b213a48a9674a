/** `global-logout roles`: its options and help. */
import { type Command, Option } from 'commander'
import { examples } from '../cli/common.ts'
import type { CommandContext } from '../cli/context.ts'
import type { RolesOptions } from './roles-action.ts'

export function addRolesCommand(program: Command, context: CommandContext): void {
  program
    .command('roles')
    .allowExcessArguments(false)
    .description(
      'show what owner, service, checker, application and any other login may do to everything of ours',
    )
    .option('--json', 'print JSON')
    .addOption(new Option('--markdown', 'print the table as docs/operations.md has it').conflicts('json'))
    .addHelpText('after', examples('roles', 'roles --json'))
    .addHelpText(
      'after',
      `
service, checker and application are the roles global_logout_service, global_logout_checker and global_logout_application;
stranger is any other login. Tables and functions of an application in schema public that have the same owner are listed, too.`,
    )
    .action(async (options: RolesOptions) => (await import('./roles-action.ts')).showRoles(context, options))
}
