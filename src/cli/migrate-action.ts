/** `global-logout migrate`: applies the pending migrations. */
import { indexUsers, migrate } from '../database/migrate.ts'
import type { CommandContext } from './context.ts'
import { print } from './print.ts'

export async function migrateDatabase({ databaseUrl }: CommandContext): Promise<void> {
  const restored = () => print('Restored from another server: the audit log continues on this one.')
  const url = await databaseUrl()
  const applied = await migrate(url, restored)
  await indexUsers(url)
  print(applied > 0 ? `${applied} migration(s) applied` : 'The database is up to date')
}
