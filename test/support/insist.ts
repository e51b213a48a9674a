/** Callers as they should be: a 503 has decided nothing, and is asked again. */
import { Problem } from '../../src/errors.ts'
import { waitFor } from './within.ts'

export async function insist<T>(ask: () => Promise<T>): Promise<T> {
  const { answer } = await waitFor('an answer other than 503', () =>
    ask().then(
      (answer) => ({ answer }),
      (error) => {
        if (!(error instanceof Problem) || error.status !== 503) throw error
        return null
      },
    ),
  )
  return answer
}
