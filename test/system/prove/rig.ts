/** Starts everything that a run needs in order, and stops it in reverse order, also after an error. */
import { createLeaseKey } from '../../support/lease-key.ts'
import { isInstalled } from '../../support/run-program.ts'
import { startBalancer } from './balancer.ts'
import { startCluster } from './cluster.ts'
import type { Fault, Mode, Rig } from './faults.ts'
import type { History } from './history.ts'
import { type Instance, PYTHON, startCaller, startInstance } from './instances.ts'
import { startPostgres } from './postgres.ts'
import { type PostgresProxy, startProxy } from './proxy.ts'
import { createRandom } from './random.ts'
import { createUsers } from './users.ts'

export interface RigOptions {
  seed: number
  mode: Mode
  fault: Fault
  mutation?: string | undefined
  /** How many of each. */
  instances: number
  /** Of each kind. */
  callers: number
  users: number
}

export async function startRig(
  history: History,
  options: RigOptions,
): Promise<Rig & { stop(): Promise<void> }> {
  const { seed, mode, fault, mutation } = options
  const closing: (() => unknown)[] = []
  const stop = async () => {
    for (const step of closing.splice(0).reverse()) await step()
  }
  try {
    const cluster = fault.cluster ? await startCluster() : undefined
    const postgres = cluster ?? (await startPostgres())
    closing.push(postgres.stop)
    const router = await startProxy(postgres.port)
    closing.push(() => router.close())
    const users = await createUsers(through(router, postgres.url), history, options.users)
    closing.push(users.close)
    const rig: Rig = {
      history,
      postgres,
      cluster,
      router,
      users,
      instances: [],
      callers: [],
      proxies: [],
      callerProxies: [],
    }
    /** The port of a proxy to PostgreSQL, if the fault needs one. */
    async function towardsPostgres(number: number): Promise<string> {
      if (!fault.proxied) return postgres.url
      const random = createRandom(seed, `proxy ${number}`)
      const loses = () => fault.proxied === 'lossy' && random.chance(0.5)
      return through(await opened(rig.proxies, number, startProxy(postgres.port, loses)), postgres.url)
    }
    async function towardsService(number: number, port: number): Promise<string> {
      const url = `http://127.0.0.1:${port}`
      if (!fault.proxied) return url
      return through(await opened(rig.callerProxies, number, startProxy(port)), url)
    }
    async function opened(proxies: PostgresProxy[], number: number, starting: Promise<PostgresProxy>) {
      const proxy = await starting
      closing.push(() => proxy.close())
      proxies[number] = proxy
      return proxy
    }
    async function running(into: Instance[], number: number, starting: Promise<Instance>): Promise<void> {
      const instance = await starting
      closing.push(instance.close)
      into[number] = instance
    }
    const { instances, callers } = options
    const numbers = (count: number) => Array.from({ length: count }, (_, number) => number)
    await all(numbers(instances), async (number) => {
      const databaseUrl = await towardsPostgres(number)
      await running(rig.instances, number, startInstance(number, { databaseUrl, mode, mutation }))
    })
    if (callers > 0) {
      const balancer = await startBalancer(rig.instances)
      closing.push(balancer.close)
      const key = await createLeaseKey(postgres.url, 'prover')
      await all(numbers(callers), async (n) => {
        const databaseUrl = await towardsPostgres(instances + n)
        await running(rig.callers, n, startCaller(instances + n, { kind: 'database', databaseUrl, mutation }))
      })
      const kinds: ('http' | 'python')[] = (await isInstalled(PYTHON, '--version'))
        ? ['http', 'python']
        : ['http']
      await all(numbers(kinds.length * callers), async (n) => {
        const kind = kinds[Math.floor(n / callers)] ?? 'http'
        const serviceUrl = await towardsService(n, balancer.port)
        const number = instances + callers + n
        await running(rig.callers, callers + n, startCaller(number, { kind, serviceUrl, key, mutation }))
      })
    }
    return { ...rig, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Waits for all, so that what has started is stopped. @throws the first failure. */
async function all(numbers: number[], start: (number: number) => Promise<void>): Promise<void> {
  for (const started of await Promise.allSettled(numbers.map(start)))
    if (started.status === 'rejected') throw started.reason
}

function through({ port }: { port: number }, url: string): string {
  return Object.assign(new URL(url), { port }).href
}
