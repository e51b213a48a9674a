/** The faults of a cluster: two servers that both act as the primary, and a standby that lags behind. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from './cluster.ts'
import type { History } from './history.ts'
import type { PostgresProxy } from './proxy.ts'
import type { Random } from './random.ts'
import { unlessOver, untilOver } from './repeat.ts'

interface ClusterRig {
  history: Pick<History, 'promotions'>
  cluster?: Cluster | undefined
  router: PostgresProxy
  instances: { length: number }
  /** Those of the instances first. */
  proxies: readonly PostgresProxy[]
}

/** Longer than a lease, and than the wait of a logout for an unreachable instance. In milliseconds. */
const SPLIT_MS = { from: 4_500, to: 7_000 }

/**
 * Users sign in, and one instance at least signs them out, on the server that was promoted. Each other instance stays on the old
 * one, or its connections lead to either. Connections that are open stay open. Nothing is acknowledged by the old one: it has no
 * standby any more, and its commits wait for one.
 */
export function splits(rig: ClusterRig, random: Random, over: () => boolean): Promise<number> {
  const { history, router, instances, proxies } = rig
  const cluster = rig.cluster as Cluster
  return untilOver(over, async () => {
    await unlessOver(over, random.between(500, 1_500))
    const promotion = { begin: performance.now(), end: Number.POSITIVE_INFINITY }
    history.promotions.push(promotion)
    const { current, left } = await cluster.promote()
    promotion.end = performance.now()
    router.leadTo(() => current)
    router.cut()
    const moves = random.below(instances.length)
    for (const [n, proxy] of proxies.entries()) {
      if (n === moves) proxy.leadTo(() => current)
      else if (random.chance(0.5)) proxy.leadTo(() => (random.chance(0.5) ? current : left))
    }
    await sleep(random.between(SPLIT_MS.from, SPLIT_MS.to))
    lead(proxies, current)
    await cluster.rebuild()
  })
}

/** The standby still shows sessions that ended since it stopped applying changes. */
export function visitsToStandby(rig: ClusterRig, random: Random, over: () => boolean): Promise<number> {
  const { proxies } = rig
  const cluster = rig.cluster as Cluster
  return untilOver(over, async () => {
    const { primary, standby } = cluster.ports()
    await cluster.applies(false)
    const visitors = proxies.filter(() => random.chance(0.6))
    lead(visitors, standby)
    await sleep(random.between(1_500, 4_500))
    lead(visitors, primary)
    await cluster.applies(true)
    await unlessOver(over, random.between(500, 1_500))
  })
}

function lead(proxies: readonly PostgresProxy[], port: number): void {
  for (const proxy of proxies) {
    proxy.leadTo(() => port)
    proxy.cut()
  }
}
