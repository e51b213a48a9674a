/** The database and the services for commands. Imports both at first use: help and completion load neither. */
import type { CommandContext } from './cli/context.ts'
import type { DatabaseUrls } from './database/pooler.ts'
import { silentLog } from './lib/log.ts'
import type { Services } from './services.ts'

/** For one query, in milliseconds. Longer than for a request: no browser waits for a command. */
const DEADLINE_MS = 10_000

export function createCommandContext(env: NodeJS.ProcessEnv): CommandContext<Services> {
  async function databaseUrls(): Promise<DatabaseUrls> {
    const { ConfigError, DATA_FOLDER, readConfig } = await import('./config.ts')
    const { databaseUrl: url, databaseDirectUrl: directUrl, databaseSchema } = readConfig(env)
    if (url) return { url, directUrl }
    const { withSchema } = await import('./database/database-url.ts')
    const { findDemo } = await import('./demo.ts')
    const running = await (await findDemo())?.runningUrl(DATA_FOLDER)
    if (running) return { url: withSchema(running, databaseSchema) }
    throw new ConfigError(['DATABASE_URL: must be set (no demo runs in this folder)'])
  }

  async function databaseUrl(): Promise<string> {
    const urls = await databaseUrls()
    const { verifyForCommand } = await import('./database/pooler.ts')
    await verifyForCommand(urls)
    return urls.directUrl ?? urls.url
  }

  return {
    env,
    databaseUrls,
    databaseUrl,

    async withDatabase(work) {
      const url = await databaseUrl()
      const { openDatabase } = await import('./database/database.ts')
      const database = openDatabase(url, { max: 2, deadlineMs: DEADLINE_MS })
      try {
        return await work(database)
      } finally {
        await database.close()
      }
    },

    async withServices(work) {
      const url = await databaseUrl()
      const [{ readConfig }, { createServices }, { printToStderr }, { asOf, withAsOf }] = await Promise.all([
        import('./config.ts'),
        import('./services.ts'),
        import('./cli/print.ts'),
        import('./database/as-of.ts'),
      ])
      const config = readConfig(env)
      const { openJournal } = await import('./operations/journal.ts')
      const journal = config.journalFolder ? await openJournal(config.journalFolder, silentLog) : null
      const services = createServices(config, silentLog, { url, journal, deadlineMs: DEADLINE_MS })
      try {
        return await withAsOf(async () => {
          const result = await work(services)
          const at = asOf()
          if (at) printToStderr(`Data as of ${at.toISOString()}, from DATABASE_READ_URL.`)
          return result
        })
      } finally {
        await services.close()
      }
    },
  }
}
