/** Opens every page of the console in every state, on a service with a night of activity. */
import type { Page } from 'playwright-core'
import { carryOut } from '../../../src/staff/incidents/runner.ts'
import type { StaffRole } from '../../../src/staff/role-names.ts'
import type { Service } from '../../support/service.ts'
import { AGENTS, addCrowd, addPerson } from './devices.ts'
import { signIn } from './gallery.ts'

const LONG = 'Wolfeschlegelsteinhausenbergerdorff'.repeat(5)
const SYSTEM = {
  actorKind: 'staff' as const,
  actorId: 'grace',
  userAgent: AGENTS.firefox,
  ipAddress: '192.0.2.44',
}

/** Signs in a user with a role. @returns the token. */
export async function addStaff(service: Service, id: string, name: string, role: StaffRole): Promise<string> {
  await service.addUser(id, { name, email: `${id}@example.com` })
  await service.database.psql('insert into staff values ($1, $2) on conflict do nothing', [id, role])
  return (await service.signIn(id, AGENTS.firefox, '192.0.2.44')).token
}

export interface Night {
  staff: string
  auditor: string
  /** A user with everything: devices, revocations, replays, a lock. */
  ada: string
}

/** The data that the pages show. */
export async function addNight(service: Service): Promise<Night> {
  const { psql } = service.database
  const staff = await addStaff(service, 'grace', 'Grace Hopper', 'security')
  const auditor = await addStaff(service, 'alan', 'Alan Turing', 'auditor')
  const { id: ada, tokens } = await addPerson(service)
  await psql('update "user" set email = $2 where id = $1', [ada, 'ada@example.com'])
  await service.sessions.logout(tokens[3] ?? '', 'local', {
    userAgent: AGENTS.chrome,
    ipAddress: '203.0.113.7',
  })
  await psql('delete from session where "userId" = $1 and "userAgent" = $2', [ada, ''])
  await service.accounts.revoke(ada, { reason: 'Laptop stolen on the train, ticket 4711' }, SYSTEM)
  await service.accounts.addNote(ada, 'Called back on the number that we have on file: it is her.', SYSTEM)
  for (const agent of [AGENTS.phone, AGENTS.tablet]) await service.signIn(ada, agent, '198.51.100.23')
  await psql(
    `insert into replay (session_id, user_id, count, ip_address, user_agent)
      values (gen_random_uuid(), $1, 12, '185.220.101.4', 'python-requests/2.32.3'), (gen_random_uuid(), $1, 1, '203.0.113.7', $2)`,
    [ada, AGENTS.firefox],
  )
  for (const name of ['Barbara Liskov', 'Katherine Johnson', 'Margaret Hamilton']) {
    const id = await service.addUser(name.toLowerCase().replace(' ', '-'), { name })
    await addCrowd(service, id, 40)
  }
  await psql(
    `update session set "createdAt" = now() - (random() ^ 2) * interval '5 days' where "userAgent" = $1`,
    [AGENTS.chrome],
  )
  await psql(
    `with old as (select id from session where "userAgent" = $1 limit 30), gone as (
      delete from session where id in (select id from old) returning 1) select count(*) from gone`,
    [AGENTS.chrome],
  )
  await psql(
    `update revoked_session set revoked_at = greatest(created_at, now() - random() * interval '20 hours') where user_agent = $1`,
    [AGENTS.chrome],
  )
  await psql("update operation set at = now() - random() * interval '3 hours' where kind = 'user.revoke'")
  await psql('select seal_operations(1000)')
  return { staff, auditor, ada }
}

export interface Scene {
  name: string
  show(page: Page, service: Service, night: Night): Promise<unknown>
}

const as =
  (role: 'staff' | 'auditor', show: Scene['show']): Scene['show'] =>
  async (page, service, night) => {
    await signIn(page, service, night[role])
    return show(page, service, night)
  }
const at = (path: string | ((night: Night) => string), role: 'staff' | 'auditor' = 'staff') =>
  as(role, (page, _service, night) => page.goto(typeof path === 'string' ? path : path(night)))

/** Plans through the form. */
export async function plan(page: Page, parts: Record<string, string>): Promise<void> {
  await page.goto('/admin/incidents/new')
  for (const [label, value] of Object.entries(parts))
    await page.getByLabel(label, { exact: true }).fill(value)
  await page.getByRole('button', { name: 'Plan and review' }).click()
}

export async function execute(page: Page): Promise<string> {
  await page.getByRole('checkbox', { name: 'Yes, end' }).check()
  await page.getByRole('button', { name: /^End \d/ }).click()
  await page.getByRole('heading', { name: 'Ending sessions' }).waitFor()
  return new URL(page.url()).pathname.split('/').at(-1) ?? ''
}

export const ADMIN_SCENES: Scene[] = [
  { name: 'overview', show: at('/admin') },
  { name: 'overview, a week, auditor', show: at('/admin?range=week', 'auditor') },
  {
    name: 'overview, a table unfolded',
    show: as('staff', async (page) => {
      await page.goto('/admin')
      await page.getByText('As a table').first().click()
    }),
  },
  { name: 'users, before a search', show: at('/admin/users') },
  { name: 'users found', show: at('/admin/users?q=a') },
  { name: 'users, none found', show: at('/admin/users?q=nobody%20like%20this') },
  { name: 'user', show: at(({ ada }) => `/admin/user?id=${ada}`) },
  { name: 'user, auditor', show: at(({ ada }) => `/admin/user?id=${ada}`, 'auditor') },
  { name: 'user, hundreds of sessions', show: at('/admin/user?id=barbara-liskov') },
  {
    name: 'user, never signed in',
    show: as('staff', async (page, service) => {
      const id = await service.addUser()
      await page.goto(`/admin/user?id=${id}`)
    }),
  },
  {
    name: 'user, everything long',
    show: as('staff', async (page, service) => {
      const id = await service.addUser(`${crypto.randomUUID()}${LONG}`, {
        name: LONG,
        email: `${crypto.randomUUID()}${LONG}@example.com`,
      })
      await service.signIn(id, `${'W'.repeat(300)}/1`, '2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff')
      await service.accounts.revoke(
        id,
        { reason: 'x'.repeat(500), lockSeconds: 3600 },
        { ...SYSTEM, userAgent: LONG },
      )
      await page.goto(`/admin/user?id=${id}`)
    }),
  },
  {
    name: 'end ticked sessions',
    show: as('staff', async (page, _service, { ada }) => {
      await page.goto(`/admin/user?id=${ada}`)
      for (const box of await page.getByRole('checkbox').all()) await box.check()
      await page.getByRole('button', { name: 'End the ticked sessions…' }).click()
      await page.getByRole('heading', { name: /^End \d sessions of/ }).waitFor()
    }),
  },
  {
    name: 'locked users',
    show: as('staff', async (page, service) => {
      for (const id of ['barbara-liskov', 'katherine-johnson'])
        await service.accounts.revoke(id, { reason: 'Passwords in a breach', lockSeconds: 86_400 }, SYSTEM)
      await page.goto('/admin/locks')
    }),
  },
  { name: 'who is signed in', show: at('/admin/sessions?ip=198.51.100.0/24') },
  {
    name: 'plan, large and with a lock',
    show: as('staff', async (page, service) => {
      await addCrowd(service, 'crowded', 1_000)
      const large = await service.incidents.plan(
        { userIds: ['crowded', 'stranger'] },
        'Token store of the mobile app leaked',
        SYSTEM,
        { lock: { seconds: 43_200 } },
      )
      await page.goto(`/admin/incidents/${large.planId}`)
    }),
  },
  {
    name: 'plan, to be approved',
    show: as('staff', async (page, service) => {
      const { planId } = await service.incidents.plan({ emailDomain: 'example.com' }, 'A leak', {
        ...SYSTEM,
        actorId: 'alan',
      })
      await service.database.psql('update incident set needs_approval = true where id = $1', [planId])
      await page.goto(`/admin/incidents/${planId}`)
    }),
  },
  { name: 'revoke', show: at(({ ada }) => `/admin/user/revoke?id=${ada}`) },
  { name: 'revoke, unknown id', show: at(() => '/admin/user/revoke?id=4711') },
  {
    name: 'revoke, without a reason',
    show: as('staff', async (page, _service, { ada }) => {
      await page.goto(`/admin/user/revoke?id=${ada}&lockFor=24h`)
      await page.getByLabel('Reason').fill(' ')
      await page.getByRole('button', { name: 'End' }).click()
      await page.getByRole('alert').waitFor()
    }),
  },
  {
    name: 'user, revoked and locked',
    show: as('staff', async (page, service) => {
      const { id } = await addPerson(service, { name: 'Mary Jackson', devices: 3 })
      await page.goto(`/admin/user/revoke?id=${id}&lockFor=24h`)
      await page.getByLabel('Reason').fill('Token store leaked')
      await page.getByRole('button', { name: 'End 3 sessions' }).click()
      await page.getByRole('heading', { name: '3 sessions were ended' }).waitFor()
    }),
  },
  {
    name: 'unlock',
    show: as('staff', async (page, service) => {
      const { id } = await addPerson(service, { name: 'Dorothy Vaughan', devices: 1 })
      await service.accounts.revoke(id, { reason: 'Phished', lockSeconds: null }, SYSTEM)
      await page.goto(`/admin/user/unlock?id=${id}`)
    }),
  },
  {
    name: 'sign in again',
    show: async (page, service, { ada }) => {
      const token = await addStaff(service, 'grace', 'Grace Hopper', 'security')
      await signIn(page, service, token)
      await page.goto(`/admin/user/revoke?id=${ada}`)
      await service.database.psql(`update session set "createdAt" = now() - interval '1 hour' where id = (
        select id from session where "userId" = 'grace' order by "createdAt" desc limit 1)`)
      await page.getByLabel('Reason').fill('Phished')
      await page.getByRole('button', { name: 'End' }).click()
      await page.getByRole('heading', { name: 'Sign in again first' }).waitFor()
    },
  },
  { name: 'incidents, none', show: at('/admin/incidents') },
  {
    name: 'incident form',
    show: as('staff', async (page) => {
      await page.goto('/admin/incidents/new')
      await page.getByLabel('Address or range').fill('198.51.100.0/28')
      await page.getByText(/^Would end/).waitFor()
    }),
  },
  {
    name: 'incident form, with faults',
    show: as('staff', async (page) => {
      await plan(page, { Reason: ' ', 'Address or range': '203.0.113.999' })
      await page.getByRole('alert').waitFor()
    }),
  },
  {
    name: 'incident plan',
    show: as('staff', async (page) => {
      await plan(page, {
        Reason: 'Token store of the mobile gateway leaked',
        'Address or range': '198.51.100.0/28',
      })
      await page.getByRole('heading', { name: 'This would end' }).waitFor()
    }),
  },
  {
    name: 'incident plan, expired, auditor',
    show: as('staff', async (page, service, { auditor }) => {
      await plan(page, { Reason: 'Drill', 'User agent contains': 'Firefox' })
      await page.getByRole('heading', { name: 'This would end' }).waitFor()
      await service.database.psql(`update incident set expires_at = now() where reason = 'Drill'`)
      await signIn(page, service, auditor)
      await page.reload()
    }),
  },
  {
    name: 'incident under way',
    show: as('staff', async (page) => {
      await plan(page, { Reason: 'Stolen cookie jars', 'User agent contains': 'nobody' })
      await page.getByRole('heading', { name: 'This would end' }).waitFor()
      await execute(page)
    }),
  },
  {
    name: 'incident report',
    show: as('staff', async (page, service) => {
      const { id } = await addPerson(service, { name: 'Annie Easley', devices: 4 })
      await plan(page, { Reason: 'Laptop with a cookie jar stolen', Users: id })
      await carryOut(service.database, service.barrier, await execute(page))
      await page.getByRole('heading', { name: '4 sessions of 1 user ended' }).waitFor()
    }),
  },
  { name: 'incidents', show: at('/admin/incidents') },
  { name: 'audit', show: at('/admin/audit') },
  { name: 'audit, outside the service', show: at('/admin/audit?kind=external') },
  { name: 'audit, nothing matches, auditor', show: at('/admin/audit?user=nobody', 'auditor') },
  {
    name: 'operation',
    show: as('staff', async (page, _service, { ada }) => {
      await page.goto(`/admin/user?id=${ada}`)
      await page.getByRole('link', { name: 'Ended all sessions of a user' }).first().click()
      await page.getByRole('heading', { name: / sessions? ended$/ }).waitFor()
    }),
  },
  { name: 'no such user', show: at('/admin/user?id=nobody') },
  {
    name: 'not staff',
    show: async (page, service) => {
      const token = (await service.signIn(await service.addUser())).token
      await signIn(page, service, token)
      await page.goto('/admin')
    },
  },
]
