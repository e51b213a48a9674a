/** `/healthz`: the process answers. `/readyz`: so does the database, with every migration applied. */
import type { FastifyInstance } from 'fastify'
import { Problem } from '../errors.ts'
import type { Database } from '../storage/database.ts'
import { pendingMigrations } from '../storage/migrate.ts'

/** Probes come every few seconds; only their failures are worth a line. */
const quiet = { config: { quiet: true } }

export async function healthRoutes(app: FastifyInstance, { run }: Pick<Database, 'run'>) {
  app.get('/healthz', quiet, async () => ({ status: 'ok' }))

  app.get('/readyz', quiet, async () => {
    const pending = await run((db) => pendingMigrations(db))
    if (pending > 0)
      throw new Problem('unavailable', 'The database lacks migrations: run "global-logout migrate".')
    return { status: 'ok' }
  })
}
