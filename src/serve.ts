/** Serves in this process, on a prepared database. */
import type { FastifyBaseLogger } from 'fastify'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import type { DatabaseUrls } from './database/pooler.ts'
import { loadDemo } from './demo.ts'
import { type Job, startJobs } from './jobs.ts'
import type { Cleanup } from './lib/cleanup.ts'
import type { Tracing } from './observability/tracing.ts'
import { openJournal } from './operations/journal.ts'
import { createServices, type ServicesOptions } from './services.ts'

/** How long a start waits for the first lease before it listens, in milliseconds. */
const FIRST_LEASE_MS = 5_000

/** What a serving process needs besides the settings. */
export interface ServeOptions extends DatabaseUrls {
  /** Whether this is the demo, which has its own sign-in page. */
  demo: boolean
  /** Whether this process does the jobs of its machine, too (the default): of several workers one does. */
  leads?: boolean
}

export interface InThisProcess extends Omit<ServicesOptions, keyof DatabaseUrls> {
  tracing?: Tracing | undefined
  /** For tests: jobs that the test runs itself, step by step. */
  except?: readonly Job[]
}

/** Resolves when the service listens. Adds the steps that stop it to `cleanup`. */
export async function serve(
  config: Config,
  { url, directUrl, demo, leads = true }: ServeOptions,
  log: FastifyBaseLogger,
  cleanup: Pick<Cleanup, 'add'>,
  { tracing, except = [], ...rest }: InThisProcess = {},
) {
  const journal = config.journalFolder ? await openJournal(config.journalFolder, log) : null
  const services = createServices(config, log, { url, directUrl, journal, serves: true, ...rest })
  cleanup.add(services.close)
  startJobs(services, { leads, except })
  const signIn = demo ? await (await loadDemo()).signIn() : undefined
  const app = await buildApp(services, log, { tracing, signIn })
  cleanup.add(() => app.close())
  // Without one it listens all the same, answers 503 and is not ready: probes tell why.
  await services.fence?.enter(performance.now() + FIRST_LEASE_MS).catch(() => {})
  await app.listen({ host: config.host, port: config.port })
  return { services, app }
}
