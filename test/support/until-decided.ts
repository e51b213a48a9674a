/** Repeats a call while its answer is 503, as callers should, because a 503 decides nothing. */
import { waitFor } from './within.ts'

export async function untilDecided<T>(ask: () => Promise<T>): Promise<T> {
  const { answer } = await waitFor('an answer other than 503', () =>
    ask().then(
      (answer) => ({ answer }),
      (error) => {
        if (!(error instanceof Error && 'status' in error && error.status === 503)) throw error
        return null
      },
    ),
  )
  return answer
}
