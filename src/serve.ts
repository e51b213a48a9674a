/** Serves in this process, on a database that is ready. */
import type { FastifyBaseLogger } from 'fastify'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import { loadDemo } from './demo.ts'
import type { Cleanup } from './lib/cleanup.ts'
import type { Tracing } from './observability/tracing.ts'
import { createServices, type Job, type ServicesOptions, startJobs } from './services.ts'

/** Where to serve from. */
export interface ServeOptions {
  url: string
  /** Whether it is the demo, with a sign-in of its own. */
  demo: boolean
}

export interface InThisProcess extends Omit<ServicesOptions, 'url'> {
  tracing?: Tracing | undefined
  /** For tests: jobs that they do by themselves, step by step. */
  except?: readonly Job[]
}

/** Resolves when it listens; what ends it is added to `cleanup`. */
export async function serve(
  config: Config,
  { url, demo }: ServeOptions,
  log: FastifyBaseLogger,
  cleanup: Pick<Cleanup, 'add'>,
  { tracing, except = [], ...rest }: InThisProcess = {},
) {
  const services = createServices(config, log, { url, ...rest })
  cleanup.add(services.close)
  startJobs(services, { except })
  const signIn = demo ? await (await loadDemo()).signIn() : undefined
  const app = await buildApp(services, log, { tracing, signIn })
  cleanup.add(() => app.close())
  await app.listen({ host: config.host, port: config.port })
  return { services, app }
}
