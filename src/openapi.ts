/** Prints the OpenAPI document, as `/openapi.json` serves it. Needs no database: the server is built, and never asked. */
import { readConfig } from './config.ts'
import { createLogger } from './http/log.ts'
import { createMetrics } from './metrics.ts'
import { buildServer } from './server.ts'

const never = {} as never
const app = await buildServer({
  config: readConfig({ DATABASE_URL: 'postgres://nobody@localhost/none' }),
  database: never,
  sessions: never,
  keys: never,
  incidents: never,
  accounts: never,
  audit: never,
  overview: { roleOf: never } as never,
  replays: never,
  checker: never,
  feed: never,
  metrics: createMetrics(),
  logger: createLogger('silent'),
})
await app.ready()
process.stdout.write(`${JSON.stringify(app.swagger(), null, 2)}\n`)
await app.close()
