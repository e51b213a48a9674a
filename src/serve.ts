/** Serves in this process, on a database that is ready. */
import type { FastifyBaseLogger } from 'fastify'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import { loadDemo } from './demo.ts'
import type { Cleanup } from './lib/cleanup.ts'
import type { Tracing } from './observability/tracing.ts'
import { createServices, startJobs } from './services.ts'

/** Where to serve from. */
export interface ServeOptions {
  url: string
  /** Whether it is the demo, with a sign-in of its own. */
  demo: boolean
}

/** Resolves when it listens; what ends it is added to `cleanup`. */
export async function serve(
  config: Config,
  { url, demo }: ServeOptions,
  log: FastifyBaseLogger,
  cleanup: Pick<Cleanup, 'add'>,
  tracing?: Tracing,
): Promise<void> {
  const services = createServices(config, log, { url })
  cleanup.add(services.close)
  startJobs(services)
  const signIn = demo ? await (await loadDemo()).signIn() : undefined
  const app = await buildApp(services, log, { tracing, signIn })
  cleanup.add(() => app.close())
  await app.listen({ host: config.host, port: config.port })
}
