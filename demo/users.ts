/** Demo users with devices of different kinds, ages and addresses. Their tokens are discarded, so no client can use these sessions. */
import { sql } from 'drizzle-orm'
import type { Executor } from '../src/database/database.ts'
import { session, user } from '../src/sessions/schema.ts'
import { generateSessionToken } from '../src/sessions/tokens.ts'
import { replay } from '../src/staff/replays/schema.ts'
import type { StaffRole } from '../src/staff/role-names.ts'
import { staff } from '../src/staff/schema.ts'

export interface DemoUser {
  id: string
  name: string
  email: string
  /** The staff role; absent for other users. */
  role?: StaffRole
}

export const DEMO_USERS: DemoUser[] = [
  { id: 'demo-ada', name: 'Ada Lovelace', email: 'ada@example.com' },
  { id: 'demo-grace', name: 'Grace Hopper', email: 'grace@example.com', role: 'security' },
  { id: 'demo-alan', name: 'Alan Turing', email: 'alan@example.com', role: 'auditor' },
]

const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64'
const AGENTS = {
  firefoxWindows: `${WINDOWS}; rv:145.0) Gecko/20100101 Firefox/145.0`,
  chromeMac:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  edgeWindows: `${WINDOWS}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0`,
  safariPhone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
  chromeAndroid:
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
  safariTablet:
    'Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  app: 'AcmeNotes/4.2.0 (iPhone; iOS 18.6)',
  firefoxLinux: 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0',
}

/** `createdHours`: since sign-in. `seenHours`: since last use. */
type DemoDevice = [agent: keyof typeof AGENTS, address: string, createdHours: number, seenHours: number]
const DEVICES: Record<string, DemoDevice[]> = {
  'demo-ada': [
    ['firefoxWindows', '203.0.113.7', 29, 0.04],
    ['safariPhone', '198.51.100.23', 300, 1.5],
    ['app', '198.51.100.23', 310, 5],
    ['chromeMac', '2001:db8:41:7::12', 520, 46],
    ['safariTablet', '203.0.113.7', 400, 120],
  ],
  'demo-grace': [
    ['edgeWindows', '192.0.2.44', 8, 0.2],
    ['chromeAndroid', '198.51.100.80', 200, 3],
    ['firefoxLinux', '203.0.113.90', 650, 70],
  ],
  'demo-alan': [
    ['chromeMac', '192.0.2.10', 50, 2],
    ['safariPhone', '2001:db8:9::3', 90, 20],
  ],
}

/** A reused revoked token, so that the console shows a warning. */
const REPLAYED = {
  userId: 'demo-ada',
  count: 3,
  ipAddress: '198.51.100.200',
  userAgent: 'python-requests/2.32.3',
  sameAddress: false,
  sameProgram: false,
}

/** Adds the demo users if the database has no users. */
export async function seedDemo(db: Executor): Promise<void> {
  const existing = await db.select({ id: user.id }).from(user).limit(1)
  if (existing.length > 0) return
  await db.insert(user).values(DEMO_USERS.map(({ role: _, ...rest }) => rest))
  await db.insert(staff).values(DEMO_USERS.flatMap(({ id, role }) => (role ? { userId: id, role } : [])))
  await db.insert(replay).values({ ...REPLAYED, sessionId: crypto.randomUUID() })
  const hoursAgo = (hours: number) =>
    sql`now() - pg_catalog.make_interval(secs => ${hours * 3600}::double precision)`
  await db.insert(session).values(
    Object.entries(DEVICES).flatMap(([userId, devices]) =>
      devices.map(([agent, ipAddress, created, seen]) => ({
        sessionToken: generateSessionToken(),
        userId,
        userAgent: AGENTS[agent],
        ipAddress,
        createdAt: hoursAgo(created),
        lastSeenAt: hoursAgo(seen),
        expires: sql`(now() + interval '30 days') at time zone 'utc'`,
      })),
    ),
  )
}
