/**
 * Starts the service: settings, database, services, app, listen. On SIGTERM or SIGINT it stops in reverse order: requests in
 * progress finish, activity updates are written, the pools close, and the embedded database stops.
 */
import cluster from 'node:cluster'
import type { FastifyBaseLogger } from 'fastify'
import { type Config, DATA_FOLDER, misspeltSettings, readConfig } from './config.ts'
import { withSchema } from './database/database-url.ts'
import { loadDemo } from './demo.ts'
import { borrowMachineLease } from './leases/machine-lease.ts'
import { type Cleanup, createCleanup } from './lib/cleanup.ts'
import { createLogger } from './observability/log.ts'
import type { Tracing } from './observability/tracing.ts'
import { prepare } from './prepare.ts'
import { type ServeOptions, serve } from './serve.ts'
import { receiveServeOptions, supervise, supervisedListener } from './workers.ts'

/** Longest shutdown, in milliseconds; then the process exits. */
const STOP_MS = 15_000

/** Resolves when the service listens; a signal stops it. */
export async function start(env: NodeJS.ProcessEnv): Promise<void> {
  const config = readConfig(env)
  const serves = cluster.isWorker || config.workers === 1
  const traces = serves && tracesEnabled(env) ? await import('./observability/tracing.ts') : null
  const log: FastifyBaseLogger = createLogger(config.logLevel, {
    pretty: Boolean(process.stdout.isTTY),
    ...(traces && { mixin: traces.logFields }),
  })
  if (!cluster.isWorker)
    for (const { name, meant } of misspeltSettings(env))
      log.warn({ setting: name, meant }, 'unknown setting ignored; its name resembles a known one')
  const tracing = traces?.startTracing(log)
  const cleanup = createCleanup()
  if (tracing) cleanup.add(tracing.close)
  const close = () => cleanup.run().catch((err) => log.error({ err }, 'shutdown step failed'))
  onSignal(async (signal) => {
    if (!cluster.isWorker) log.info({ signal }, 'stopping: finishing requests in progress')
    await close()
    if (!cluster.isWorker) log.info('stopped')
  })

  try {
    if (cluster.isWorker)
      await serve(config, await receiveServeOptions(), log, cleanup, {
        tracing,
        listener: supervisedListener(),
        machineLease: borrowMachineLease(),
      })
    else await prepareAndServe(config, log, cleanup, tracing)
  } catch (error) {
    await close()
    throw error
  }
}

/** Prepares the database, then serves in this process or in workers. */
async function prepareAndServe(
  config: Config,
  log: FastifyBaseLogger,
  cleanup: Cleanup,
  tracing: Tracing | undefined,
): Promise<void> {
  const demo = config.databaseUrl ? null : await (await loadDemo()).start(DATA_FOLDER)
  if (demo) cleanup.add(demo.stop)
  const options: ServeOptions = {
    url: config.databaseUrl ?? withSchema(demo?.url ?? '', config.databaseSchema),
    directUrl: config.databaseDirectUrl,
    demo: demo !== null,
  }
  await prepare(config, options, log, demo?.seed)
  if (config.workers > 1) await supervise(config, options, log, cleanup)
  else await serve(config, options, log, cleanup, { tracing })
  if (demo) process.stderr.write(demo.banner(config))
}

/** Whether an OTLP endpoint is configured, by the standard variables of OpenTelemetry. */
function tracesEnabled(env: NodeJS.ProcessEnv): boolean {
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_TRACES_EXPORTER } = env
  const off = env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || OTEL_TRACES_EXPORTER === 'none'
  return Boolean(OTEL_EXPORTER_OTLP_ENDPOINT || OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) && !off
}

/**
 * Runs `stop` at the first signal and ignores further ones: after Ctrl-C, both the terminal and npm send one. The package
 * close-with-grace would exit at the second signal, with requests in progress.
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
