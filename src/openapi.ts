/** Prints the OpenAPI document that `/openapi.json` serves. Needs no database, because it calls no service. */
import { buildApp } from './app.ts'
import { readConfig } from './config.ts'
import { createLogger } from './observability/log.ts'
import { createServices } from './services.ts'

const url = 'postgres://unused@localhost/unused'
const log = createLogger('silent')
const services = createServices(readConfig({ DATABASE_URL: url }), log, { url })
const app = await buildApp(services, log)
await app.ready()
process.stdout.write(`${JSON.stringify(app.swagger(), null, 2)}\n`)
await app.close()
await services.close()
