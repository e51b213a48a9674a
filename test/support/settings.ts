/** The problems that `readConfig` reports for an environment. */
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
