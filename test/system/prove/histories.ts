/** Histories for the tests of the checker. */
import {
  type Act,
  type Check,
  createHistory,
  type History,
  type SessionRecord,
  type Span,
} from './history.ts'

export function historyOf(sessions: SessionRecord[], acts: Act[], checks: Check[]): History {
  const made = createHistory()
  made.sessions.push(...sessions)
  made.acts.push(...acts)
  for (const check of checks) made.checks.add(check)
  return made
}

export const span = (begin: number, end: number): Span => ({ begin, end })
