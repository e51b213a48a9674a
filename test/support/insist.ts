/** Callers as they should be: a 503 has decided nothing, and is asked again. */
import { Problem } from '../../src/errors.ts'

export async function insist<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 503) throw error
    }
  }
}
