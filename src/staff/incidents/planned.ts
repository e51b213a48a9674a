/** What a plan counted, in words. Every figure that is estimated says "about": none is to be taken for a count. */
import { count } from '../../ui/format.ts'
import type { Counted } from './counts.ts'
import type { IncidentLock } from './locking.ts'

type Planned<Figure extends 'sessions' | 'users' = never> = Pick<Counted, 'estimated' | Figure>

const about = ({ estimated }: Planned): string => (estimated ? 'about ' : '')

/** "about 1,230,000". */
export const plannedNumber = (planned: Planned<'sessions'>): string =>
  about(planned) + planned.sessions.toLocaleString('en')

/** "about 1,230,000 sessions". */
export const plannedSessions = (planned: Planned<'sessions'>): string =>
  about(planned) + count(planned.sessions, 'session')

/** "about 400,000 users". */
export const plannedUsers = (planned: Planned<'users'>): string =>
  about(planned) + count(planned.users, 'user')

/** "about 1,230,000 sessions of about 400,000 users". */
export const plannedTotal = (planned: Planned<'sessions' | 'users'>): string =>
  `${plannedSessions(planned)} of ${plannedUsers(planned)}`

/** What to know before an estimated plan is confirmed. */
export const ESTIMATED =
  'These figures are estimated from a sample, and not counted. The execution ends all sessions that match, however many they are.'

/** "1,200 users", or "the users of these sessions". */
export const lockedUsers = (usersToLock: number | null): string =>
  usersToLock === null ? 'the users of these sessions' : count(usersToLock, 'user')

/** "for 12 hours from the start of the execution". */
export function lockSpan({ seconds }: IncidentLock): string {
  if (seconds === null) return 'until staff unlock it'
  const units = [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
    ['second', 1],
  ] as const
  const [unit, length] = units.find(([, each]) => seconds % each === 0) ?? (['second', 1] as const)
  return `for ${count(seconds / length, unit)} from the start of the execution`
}

/** From so many sessions on, a plan is confirmed in the console by typing their number. */
const LARGE = 1_000

export const isLarge = ({ planned: { sessions } }: { planned: Planned<'sessions'> }): boolean =>
  sessions >= LARGE
