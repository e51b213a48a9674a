/** Uses of sessions that the service does not know of yet: told with the next renewal, in one list. */
import type { Use } from './lease-calls.ts'

/** The most of one request. */
const MOST = 10_000

export function createUses() {
  /** Session ids, and whether an activity of the user was among the uses. */
  let waiting = new Map<string, boolean>()

  return {
    /** @returns false when too many wait: a later use of the session counts. */
    add(sessionId: string, activity: boolean): boolean {
      if (waiting.size >= MOST && !waiting.has(sessionId)) return false
      waiting.set(sessionId, activity || waiting.get(sessionId) === true)
      return true
    },

    /** Passes all of them to `tell`. Those that it could not tell wait again. */
    async tell<T>(tell: (uses: Use[]) => Promise<T | 'other_instance'>): Promise<T | 'other_instance'> {
      const told = waiting
      waiting = new Map()
      const restore = () => {
        for (const [sessionId, activity] of told) this.add(sessionId, activity)
      }
      const uses = Array.from(told, ([sessionId, activity]) => ({ sessionId, activity }))
      const answer = await tell(uses).catch((error) => {
        restore()
        throw error
      })
      if (answer === 'other_instance') restore()
      return answer
    },
  }
}
