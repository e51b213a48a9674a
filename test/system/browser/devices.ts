/** Signs users in on realistic devices. */
import type { Service } from '../../support/service.ts'

export const AGENTS = {
  firefox: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0',
  phone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
  chrome:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  tablet:
    'Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  app: 'AcmeNotes/4.2.0 (iPhone; iOS 18.6)',
} as const

const USUAL: [userAgent: string, address: string, seenMinutesAgo: number][] = [
  [AGENTS.firefox, '203.0.113.7', 0],
  [AGENTS.phone, '198.51.100.23', 2],
  [AGENTS.app, '198.51.100.23', 300],
  [AGENTS.chrome, '2001:db8:41:7::12', 2_800],
  [AGENTS.tablet, '203.0.113.7', 7_000],
  ['', '192.0.2.99', 9_000],
]

export interface Person {
  id: string
  /** The token of each device; the first is of the current device. */
  tokens: [string, ...string[]]
}

/** A user with so many of the usual devices. */
export async function addPerson(
  service: Service,
  { name = 'Ada Lovelace', devices = 6 }: { name?: string; devices?: number } = {},
): Promise<Person> {
  const id = await service.addUser(crypto.randomUUID(), { name })
  const tokens: string[] = []
  for (const [userAgent, address, minutes] of USUAL.slice(0, devices)) {
    const { token, id: sessionId } = await service.signIn(id, userAgent, address)
    tokens.push(token)
    await service.database.psql(
      `update session set "lastSeenAt" = now() - make_interval(mins => $2), "createdAt" = now() - make_interval(mins => 3 * $2) where id = $1`,
      [sessionId, minutes],
    )
  }
  return { id, tokens: tokens as Person['tokens'] }
}

/** Adds many devices at once, whose tokens are unknown. */
export async function addCrowd(service: Service, userId: string, count: number): Promise<void> {
  await service.database.psql(
    `insert into session ("sessionToken", "userId", expires, "userAgent", "ipAddress", "lastSeenAt")
     select gen_random_uuid()::text, $1, now() + interval '1 day', $2, '198.51.100.0'::inet + n % 250, now() - make_interval(mins => n)
     from generate_series(1, $3::int) n`,
    [userId, AGENTS.chrome, count],
  )
}
