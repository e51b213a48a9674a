/**
 * Starts the service: settings, database, services, app, listen. Ends it in reverse order on SIGTERM or SIGINT: requests under way
 * finish, last uses are written, the pools close, then the embedded database stops.
 */
import cluster from 'node:cluster'
import type { FastifyBaseLogger } from 'fastify'
import { type Config, DATA_FOLDER, readConfig } from './config.ts'
import { loadDemo } from './demo.ts'
import { type Cleanup, createCleanup } from './lib/cleanup.ts'
import { createLogger } from './observability/log.ts'
import type { Tracing } from './observability/tracing.ts'
import { prepare } from './prepare.ts'
import { type ServeOptions, serve } from './serve.ts'
import { receiveServeOptions, supervise } from './workers.ts'

/** After this a stop no longer waits for requests. */
const STOP_MS = 15_000

/** Serves until a signal ends it. */
export async function start(env: NodeJS.ProcessEnv): Promise<void> {
  const config = readConfig(env)
  const serves = cluster.isWorker || config.workers === 1
  const traces = serves && wantsTraces(env) ? await import('./observability/tracing.ts') : null
  const log: FastifyBaseLogger = createLogger(config.logLevel, {
    pretty: Boolean(process.stdout.isTTY),
    ...(traces && { mixin: traces.logFields }),
  })
  const tracing = traces?.startTracing(log)
  const cleanup = createCleanup()
  if (tracing) cleanup.add(tracing.close)
  const close = () => cleanup.run().catch((err) => log.error({ err }, 'while stopping'))
  onSignal(async (signal) => {
    if (!cluster.isWorker) log.info(`${signal}: finishing what is under way`)
    await close()
    if (!cluster.isWorker) log.info('stopped')
  })

  try {
    if (cluster.isWorker) await serve(config, await receiveServeOptions(), log, cleanup, { tracing })
    else await serveFirst(config, log, cleanup, tracing)
  } catch (error) {
    await close()
    throw error
  }
}

/** Gets the database ready, then serves in this process or in several. */
async function serveFirst(
  config: Config,
  log: FastifyBaseLogger,
  cleanup: Cleanup,
  tracing: Tracing | undefined,
): Promise<void> {
  const demo = config.databaseUrl ? null : await (await loadDemo()).start(DATA_FOLDER)
  if (demo) cleanup.add(demo.stop)
  const options: ServeOptions = { url: config.databaseUrl ?? demo?.url ?? '', demo: demo !== null }
  await prepare(config, options.url, log, demo?.seed)
  if (config.workers > 1) await supervise(config.workers, options, log, cleanup)
  else await serve(config, options, log, cleanup, { tracing })
  if (demo) process.stdout.write(demo.banner(config))
}

/** Whether an OTLP endpoint is configured, by the standard variables of OpenTelemetry. */
function wantsTraces(env: NodeJS.ProcessEnv): boolean {
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_TRACES_EXPORTER } = env
  const off = env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || OTEL_TRACES_EXPORTER === 'none'
  return Boolean(OTEL_EXPORTER_OTLP_ENDPOINT || OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) && !off
}

/**
 * Runs `stop` once. npm passes a Ctrl-C on although the terminal has sent it already, so a second signal is ignored; the package
 * close-with-grace would end the process there, with the requests under way.
 */
function onSignal(stop: (signal: string) => Promise<void>): void {
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping) return
      stopping = true
      setTimeout(() => process.exit(1), STOP_MS).unref()
      void stop(signal).then(() => process.exit(0))
    })
  }
}
