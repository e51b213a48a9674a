/**
 * `/healthz`: the process answers. `/readyz`: the database is a primary, has all migrations, hides no rows from the service, and in
 * leased mode has granted a lease.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { z } from 'zod'
import type { Database } from '../database/database.ts'
import { pendingMigrations } from '../database/migrate.ts'
import { hiddenTables } from '../database/row-security.ts'
import { unfitServer } from '../database/server-state.ts'
import { Problem } from '../errors.ts'
import { callers } from '../http/openapi/document.ts'
import { TABLES } from '../tables.ts'

/** Probes arrive every few seconds, so only their failures are logged. */
const config = { quiet: true }
const ok = { 200: z.object({ status: z.literal('ok') }).describe('Yes.') }
const probe = { tags: ['operators'], security: callers.anyone, response: ok }

export interface Health {
  database: Pick<Database, 'run'>
}

async function routes(app: FastifyInstance, { database: { run } }: Health) {
  const healthz = { ...probe, operationId: 'healthz', summary: 'Does the process answer?' }
  app.get('/healthz', { config, schema: healthz }, async () => ({ status: 'ok' }))

  const readyz = {
    ...probe,
    operationId: 'readyz',
    summary: 'Is the database a primary with all migrations and without hidden rows?',
    problems: ['unavailable'] as const,
  }
  app.get('/readyz', { config, schema: readyz }, async () => {
    const { hidden, pending } = await run(async (db) => ({
      hidden: await hiddenTables(db, TABLES),
      pending: await pendingMigrations(db),
    })).catch((error) => {
      const unfit = unfitServer(error.cause)
      throw unfit ? new Problem('unavailable', unfit.detail, { cause: error.cause }) : error
    })
    if (hidden.length > 0)
      throw new Problem('unavailable', 'Row level security hides rows: run "global-logout doctor".')
    if (pending > 0)
      throw new Problem('unavailable', 'The database lacks migrations: run "global-logout migrate".')
    return { status: 'ok' }
  })
}

export const health = fp(routes, { name: 'health', encapsulate: true })
