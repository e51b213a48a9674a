/** Prints the OpenAPI document, as `/openapi.json` serves it. Needs no database: no service is asked for anything. */
import { buildApp } from './app.ts'
import { readConfig } from './config.ts'
import { createLogger } from './observability/log.ts'
import { createServices } from './services.ts'

const url = 'postgres://nobody@localhost/none'
const log = createLogger('silent')
const services = createServices(readConfig({ DATABASE_URL: url }), log, { url })
const app = await buildApp(services, log)
await app.ready()
process.stdout.write(`${JSON.stringify(app.swagger(), null, 2)}\n`)
await app.close()
await services.close()
