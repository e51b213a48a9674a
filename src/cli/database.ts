/** The database that a command talks to. */
import { ConfigError, DATA_FOLDER, readConfig } from '../config.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { findDemo } from '../demo.ts'
import { silentLog } from '../lib/log.ts'
import type { Services } from '../services.ts'

/** The database of the settings, else that of a demo running in this folder. @throws ConfigError when there is neither. */
export async function databaseUrl(env: NodeJS.ProcessEnv): Promise<string> {
  const { databaseUrl } = readConfig(env)
  const url = databaseUrl ?? (await (await findDemo())?.runningUrl(DATA_FOLDER))
  if (!url) throw new ConfigError(['DATABASE_URL: name the database (no demo runs in this folder)'])
  return url
}

/** For one query of a command, in milliseconds: nobody's request waits. */
const DEADLINE_MS = 10_000

/** Runs `work` with the services, without their jobs; they are closed afterwards. */
export async function withServices<T>(
  env: NodeJS.ProcessEnv,
  work: (services: Services) => Promise<T>,
): Promise<T> {
  const url = await databaseUrl(env)
  // What only the server needs takes other commands no time.
  const { createServices } = await import('../services.ts')
  const services = createServices(readConfig(env), silentLog, { url, deadlineMs: DEADLINE_MS })
  try {
    return await work(services)
  } finally {
    await services.close()
  }
}

/** Runs `work` on the database, which is closed afterwards. */
export async function withDatabase<T>(
  env: NodeJS.ProcessEnv,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const database = openDatabase(await databaseUrl(env), { max: 2, deadlineMs: DEADLINE_MS })
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}
