/**
 * Faults that are injected while the workload runs. Each is repeated until it is told to stop, and repairs
 * its damage before it returns.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from './cluster.ts'
import type { History } from './history.ts'
import type { Instance } from './instances.ts'
import { anyStep, lateRenewal, lateWake, lostGeneration } from './moments.ts'
import type { Postgres } from './postgres.ts'
import type { PostgresProxy } from './proxy.ts'
import type { Random } from './random.ts'
import { unlessOver, untilOver } from './repeat.ts'
import { splits, visitsToStandby } from './splits.ts'
import type { Users } from './users.ts'

export const MODES = ['database', 'leased'] as const
export type Mode = (typeof MODES)[number]

export interface Rig {
  history: Pick<History, 'promotions'>
  instances: Instance[]
  /** Processes that answer checks only, from memories of their own. */
  callers: Instance[]
  postgres: Pick<Postgres, 'kill' | 'restart'>
  /** For faults that need two servers. */
  cluster?: Cluster | undefined
  /** Between the simulated users, who sign in by SQL, and PostgreSQL. */
  router: PostgresProxy
  users: Users
  /** To PostgreSQL, one in front of each instance, and then of each caller on the database; for faults that need them. */
  proxies: PostgresProxy[]
  /** One between each caller by HTTP and the load balancer. */
  callerProxies: PostgresProxy[]
}

export interface Fault {
  meaning: string
  /** The modes in which it can change an answer. */
  modes: readonly Mode[]
  /** Whether the instances reach PostgreSQL through a proxy, and whether that loses notifications. */
  proxied?: 'slow' | 'lossy' | 'split'
  /** Whether PostgreSQL has a synchronous standby. */
  cluster?: true
  /** Repeats the fault until `over()`. @returns how often it happened. */
  inject(rig: Rig, random: Random, over: () => boolean): Promise<number>
}

const LISTENER = 'global-logout listener'
const ONE_SERVICE_BACKEND = `select pg_terminate_backend(pid) from (select pid from pg_stat_activity
  where application_name like 'global-logout%' and application_name <> 'global-logout owner' order by random() limit $1)`
const LISTENERS = 'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1'

export const FAULTS = {
  none: { meaning: 'nothing', modes: MODES, inject: async () => 0 },
  stop: {
    meaning:
      'an instance or caller is stopped (SIGSTOP) for two to six seconds, and receives checks meanwhile',
    modes: MODES,
    inject: ({ instances, callers }, random, over) =>
      untilOver(over, async () => {
        const instance = random.pick([...instances, ...callers]) as Instance
        instance.freeze()
        try {
          // Longer than a lease, or slightly shorter: a lease that is slightly too long shows only then.
          await unlessOver(
            over,
            random.chance(0.4) ? random.between(2_000, 3_500) : random.between(3_500, 6_000),
          )
        } finally {
          instance.thaw()
        }
        await unlessOver(over, random.between(300, 1_500))
      }),
  },
  notify: {
    meaning: 'notifications are dropped on the wire, and the connections that wait for them are cut',
    modes: ['leased'],
    proxied: 'lossy',
    inject: ({ users }, random, over) =>
      untilOver(over, async () => {
        await users.pool.query(LISTENERS, [LISTENER]).catch(() => {})
        await unlessOver(over, random.between(500, 3_000))
      }),
  },
  kill: {
    meaning: 'an instance or caller is killed (SIGKILL) and restarted',
    modes: MODES,
    inject: ({ instances, callers }, random, over) =>
      untilOver(over, async () => {
        const instance = random.pick([...instances, ...callers]) as Instance
        await instance.kill()
        await unlessOver(over, random.between(0, 1_500))
        await instance.restart()
        await unlessOver(over, random.between(500, 2_000))
      }),
  },
  postgres: {
    meaning: 'every process of PostgreSQL is killed (SIGKILL), and PostgreSQL is restarted',
    modes: MODES,
    inject: ({ postgres }, random, over) =>
      untilOver(over, async () => {
        await unlessOver(over, random.between(1_500, 4_000))
        await postgres.kill()
        await unlessOver(over, random.between(0, 1_500))
        await postgres.restart()
      }),
  },
  cut: {
    meaning: 'connections to PostgreSQL are cut, and those of callers to the service',
    modes: MODES,
    proxied: 'slow',
    inject: ({ users, callerProxies }, random, over) =>
      untilOver(over, async () => {
        if (random.chance(0.3)) random.pick(callerProxies)?.cut()
        await users.pool.query(ONE_SERVICE_BACKEND, [1 + random.below(3)]).catch(() => {})
        await unlessOver(over, random.between(20, 300))
      }),
  },
  slow: {
    meaning:
      'traffic of an instance with PostgreSQL, or of a caller, is delayed by up to four seconds, in either direction',
    modes: MODES,
    proxied: 'slow',
    inject: async ({ proxies, callerProxies }, random, over) => {
      const held = await Promise.all(
        [...proxies, ...callerProxies].map((proxy) => untilOver(over, () => holdBack(proxy, random))),
      )
      return held.reduce((sum, count) => sum + count)
    },
  },
  moment: {
    meaning: 'stops, cuts and delays at a chosen step of a lease',
    modes: ['leased'],
    proxied: 'slow',
    inject: async ({ instances, proxies }, random, over) => {
      let met = 0
      await untilOver(over, async () => {
        const number = random.below(instances.length)
        const moment = random.pick([lateRenewal, lateWake, lostGeneration, anyStep]) ?? anyStep
        if (await moment(instances[number] as Instance, proxies[number] as PostgresProxy, random)) met++
        await unlessOver(over, random.between(100, 500))
      })
      return met
    },
  },
  split: {
    meaning:
      'the standby is promoted, and the primary that it replaces is still read by some instances, or by some connections of one',
    modes: ['leased'],
    proxied: 'split',
    cluster: true,
    inject: splits,
  },
  standby: {
    meaning: 'instances are led to a standby that lags behind, and back to the primary',
    modes: MODES,
    proxied: 'split',
    cluster: true,
    inject: visitsToStandby,
  },
} as const satisfies Record<string, Fault>

export type FaultName = keyof typeof FAULTS

/**
 * Delays one connection or all of an instance; the answers, or the requests too; sometimes for longer than a
 * lease.
 */
async function holdBack(proxy: PostgresProxy, random: Random): Promise<void> {
  const connections = proxy.connections()
  const one = random.pick(connections)
  if (!one) return void (await sleep(100))
  const chosen = random.chance(0.6) ? [one] : connections
  const sockets = chosen.flatMap(({ asks, answers }) => (random.chance(0.7) ? [answers] : [asks, answers]))
  await proxy.hold(sockets, random.chance(0.8) ? random.between(5, 400) : random.between(400, 2_000))
  // The delayed answers arrive, and then nothing does: the instance's latest data is from a late answer.
  if (random.chance(0.15)) {
    await sleep(random.between(5, 50))
    await proxy.hold(sockets, random.between(2_000, 4_000))
  }
  await sleep(random.between(5, 300))
}
