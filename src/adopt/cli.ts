/** `global-logout users link|unlink` and `global-logout import`: options and help. */
import type { Command } from 'commander'
import { examples } from '../cli/common.ts'
import type { CommandContext } from '../cli/context.ts'
import type { ImportOptions } from './import-actions.ts'
import type { LinkOptions } from './link.ts'
import type { Consent } from './link-actions.ts'

export function addAdoptCommands(program: Command, context: CommandContext): void {
  const users = program.command('users').description("link the application's own table of users")
  users.action(() => users.error('users: link or unlink?'))

  users
    .command('link')
    .allowExcessArguments(false)
    .description('end the sessions of users who are deleted in a table of the application')
    .requiredOption('--table <schema.table>', 'the table of users')
    .requiredOption('--id <column>', 'the id of a user, as the application passes it at sign-in')
    .option('--email <column>', 'follow changes of the email')
    .option('--name <column>', 'follow changes of the name')
    .option('--yes', 'put the triggers on the table; without it, print them')
    .addHelpText(
      'after',
      examples(
        'users link --table public.users --id id --email email',
        'users link --table \'public."User"\' --id id --email email --name name --yes',
      ),
    )
    .addHelpText('after', '\nPuts three triggers on the table. "users unlink" removes them.')
    .action(async (options: LinkOptions & Consent) =>
      (await import('./link-actions.ts')).linkUsers(context, options),
    )

  users
    .command('unlink')
    .allowExcessArguments(false)
    .description('remove the triggers of "users link"')
    .option('--yes', 'remove them; without it, print the statements')
    .addHelpText('after', examples('users unlink --yes'))
    .action(async (options: Consent) => (await import('./link-actions.ts')).unlinkUsers(context, options))

  program
    .command('import')
    .allowExcessArguments(false)
    .description('take over the sessions of an Auth.js table, so that users stay signed in')
    .requiredOption('--table <schema.table>', 'the table of sessions')
    .option('--token <column>', 'the raw token', 'sessionToken')
    .option('--user <column>', 'the id of the user', 'userId')
    .option('--expires <column>', 'when the session ends; without time zone, in UTC', 'expires')
    .option('--users <schema.table>', 'the table of users, for names and emails')
    .option('--id <column>', 'its id (id)')
    .option('--email <column>', 'its email (email, if there is one)')
    .option('--name <column>', 'its name (name, if there is one)')
    .option('--image <column>', 'its image (image, if there is one)')
    .option('--dry-run', 'count what would be taken over')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'import --table public.session --users public.user --dry-run',
        'import --table public.sessions --token session_token --user user_id --users public.users',
      ),
    )
    .addHelpText('after', '\nReads the table, and neither changes nor deletes its rows. Can be run again.')
    .action(async (options: ImportOptions) =>
      (await import('./import-actions.ts')).importSessions(context, options),
    )
}
