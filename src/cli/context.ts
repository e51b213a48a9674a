/** What `program.ts` gives to every command: the environment, the database and the services. */
import type { Database } from '../database/database.ts'

/** @template Services those that the command needs. */
export interface CommandContext<Services = unknown> {
  env: NodeJS.ProcessEnv
  /** @returns DATABASE_URL, else the address of a demo that runs in this folder. @throws ConfigError without either. */
  databaseUrl(): Promise<string>
  /** Runs `work` on the database, then closes it. */
  withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T>
  /** Runs `work` with the services, without their jobs, then closes them. */
  withServices<T>(work: (services: Services) => Promise<T>): Promise<T>
}
