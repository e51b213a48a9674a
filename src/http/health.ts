/** `/healthz`: the process answers. `/readyz`: so does the database, with every migration applied. */
import type { FastifyInstance } from 'fastify'
import { Problem } from '../errors.ts'
import type { Database } from '../storage/database.ts'
import { pendingMigrations } from '../storage/migrate.ts'

export async function healthRoutes(app: FastifyInstance, { run }: Pick<Database, 'run'>) {
  app.get('/healthz', async () => ({ status: 'ok' }))

  app.get('/readyz', async () => {
    const pending = await run((db) => pendingMigrations(db))
    if (pending > 0)
      throw new Problem('unavailable', 'The database lacks migrations: run "global-logout migrate".')
    return { status: 'ok' }
  })
}
