/** Loads the demo, which only a checkout contains (`demo/`). Used only when `DATABASE_URL` is not set. */
import { existsSync } from 'node:fs'
import type { FastifyPluginAsync } from 'fastify'
import type { AppParts } from './app.ts'
import { type Config, ConfigError } from './config.ts'
import type { Executor } from './database/executor.ts'

export interface RunningDemo {
  /** URL of its database. */
  url: string
  stop(): Promise<unknown>
  /** Adds the demo users. */
  seed(db: Executor): Promise<unknown>
  /** Text with the URLs to open and the users to sign in as. */
  banner(config: Pick<Config, 'publicOrigin'>): string
}

export interface Demo {
  /** Starts PostgreSQL with its data in `folder`. */
  start(folder: string): Promise<RunningDemo>
  /** The database of a demo that runs in `folder`; null when none runs. */
  runningUrl(folder: string): Promise<string | null>
  /** The plugin that serves `/login`. */
  signIn(): Promise<FastifyPluginAsync<AppParts>>
}

const DEMO = new URL('../demo/index.ts', import.meta.url)

/** @returns null in the published package. */
export async function findDemo(): Promise<Demo | null> {
  return existsSync(DEMO) ? (await import(DEMO.href)).demo : null
}

/** @throws ConfigError in the published package. */
export async function loadDemo(): Promise<Demo> {
  const demo = await findDemo()
  if (!demo)
    throw new ConfigError(['DATABASE_URL: must be set (the demo exists only in a checkout of the sources)'])
  return demo
}
