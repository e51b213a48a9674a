/** What is wrong with an environment, as the start would say it. */
import { ConfigError, readConfig } from '../../src/config.ts'

export function problemsOf(env: Record<string, string>): string[] {
  try {
    readConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}
