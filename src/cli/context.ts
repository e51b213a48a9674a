/** What `program.ts` gives to every command: the environment, the database and the services. */
import type { Database } from '../database/database.ts'
import type { DatabaseUrls } from '../database/pooler.ts'

/** @template Services those that the command needs. */
export interface CommandContext<Services = unknown> {
  env: NodeJS.ProcessEnv
  /** @returns both settings, or the address of a demo that runs in this folder. @throws ConfigError without either. */
  databaseUrls(): Promise<DatabaseUrls>
  /** @returns the one for commands: DATABASE_DIRECT_URL where it is set. */
  databaseUrl(): Promise<string>
  /** Runs `work` on the database, then closes it. */
  withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T>
  /** Runs `work` with the services, without their jobs, then closes them. */
  withServices<T>(work: (services: Services) => Promise<T>): Promise<T>
}
