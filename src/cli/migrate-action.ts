/** The work of `global-logout migrate`. */
import { migrate } from '../database/migrate.ts'
import type { CommandContext } from './context.ts'
import { print } from './print.ts'

export async function migrateDatabase({ databaseUrl }: CommandContext): Promise<void> {
  const restored = () => print('Restored from another server: the record goes on here.')
  const applied = await migrate(await databaseUrl(), restored)
  print(applied > 0 ? `${applied} migration(s) applied` : 'Nothing to do: the database is up to date')
}
