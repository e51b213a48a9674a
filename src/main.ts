/**
 * The composition root: settings → database → services → server → listen; and back, in that order, on SIGTERM
 * or SIGINT: in-flight requests finish, touches are written, the pool closes, then the embedded database.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { databaseChecker } from './checking/checker.ts'
import { type Config, readConfig } from './config.ts'
import { createLogger } from './http/log.ts'
import { buildServer, type ServerParts } from './server.ts'
import { createSessions } from './sessions/sessions.ts'
import { startSweeper } from './sessions/sweeper.ts'
import { createTouches } from './sessions/touches.ts'
import { type Database, type DatabaseOptions, openDatabase, rootCause } from './storage/database.ts'
import { migrate } from './storage/migrate.ts'
import { writePolicy } from './storage/policy.ts'

const SWEEP_INTERVAL_MS = 60_000
/** For one query of the checks; with the longest wait for it (checking/checker.ts) below the promised 2 seconds. */
const CHECK_DEADLINE_MS = 1_000
/** A changed policy first deletes what is over under the old one, which may be much. */
const POLICY_MS = 10 * 60_000
/** How long a start waits for a database that is not there yet. */
const DATABASE_PATIENCE_MS = 30_000
/** After this a stop no longer waits for requests. */
const STOP_MS = 15_000

/** Where the data of the embedded database lies. */
const DATA_FOLDER = '.data'

/** Serves until a signal ends it. */
export async function start(env: NodeJS.ProcessEnv): Promise<void> {
  const config = readConfig(env)
  const pretty = Boolean(process.stdout.isTTY)
  const log: FastifyBaseLogger = createLogger(config.logLevel, { pretty })
  const closing: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const step of closing.splice(0).reverse())
      await step().catch((error) => log.error({ err: error }, 'while stopping'))
  }
  onSignal(async (signal) => {
    log.info(`${signal}: finishing what is under way`)
    await close()
    log.info('stopped')
  })

  try {
    const demo = config.databaseUrl ? null : await (await import('./dev/demo.ts')).startDemo(DATA_FOLDER)
    if (demo) closing.push(demo.stop)
    const url = config.databaseUrl ?? demo?.url ?? ''

    const applied = await patiently(log, () => migrate(url))
    if (applied > 0) log.info({ applied }, 'migrations applied')
    const open = (options: DatabaseOptions) => {
      const opened = openDatabase(url, {
        ...options,
        onError: (err) => log.warn({ err }, 'a database connection broke'),
      })
      closing.push(() => opened.close())
      return opened
    }
    const database = open({ max: 10 })
    // Connections of their own: logins and logouts that wait for one another must not keep a check waiting.
    const databaseForChecks = open({ max: 4, deadlineMs: CHECK_DEADLINE_MS })
    await applyPolicy(database, config, log)
    if (demo) await database.run(demo.seed)

    const touches = createTouches(database, (err) =>
      log.warn({ err }, 'last use of some sessions was not recorded'),
    )
    closing.push(() => touches.close())
    const sweeper = startSweeper(database, SWEEP_INTERVAL_MS, {
      swept: (count) => log.info({ count }, 'expired sessions swept'),
      error: (err) => log.warn({ err }, 'the sweep was interrupted'),
    })
    closing.push(() => sweeper.close())

    const parts: ServerParts = {
      config,
      database,
      sessions: createSessions(database, touches),
      checker: databaseChecker(databaseForChecks, touches),
      logger: log,
    }
    const app = await buildServer(demo ? { ...parts, signIn: demo.signIn } : parts)
    closing.push(() => app.close())
    await app.listen({ host: config.host, port: config.port })
    if (demo) process.stdout.write(demo.banner(config))
  } catch (error) {
    await close()
    throw error
  }
}

/** Runs `work` until the database is there, or patience ends. */
async function patiently<T>(log: FastifyBaseLogger, work: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + DATABASE_PATIENCE_MS; ; await sleep(1_000)) {
    try {
      return await work()
    } catch (error) {
      const { code = '', message } = rootCause(error) as NodeJS.ErrnoException
      // Refused, a name that does not resolve yet, no answer, or a server that is starting up.
      const notYet =
        ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'].includes(code) ||
        code.startsWith('57P') ||
        /timeout expired/.test(message)
      if (!notYet || Date.now() > deadline) throw error
      log.warn('waiting for the database')
    }
  }
}

async function applyPolicy(database: Database, { policy }: Config, log: FastifyBaseLogger): Promise<void> {
  const replaced = await database.transaction(async (tx) => {
    await tx.extend(POLICY_MS)
    return writePolicy(tx, policy)
  })
  if (replaced) log.warn({ from: replaced, to: policy }, 'the session policy of all instances changed')
}

/** Runs `stop` once; `npm` passes a Ctrl-C on although the terminal has sent it already, so a second is ignored. */
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
