/** Starts everything that a run needs in order, and stops it in reverse order, also after an error. */
import { startCluster } from './cluster.ts'
import type { Fault, Mode, Rig } from './faults.ts'
import type { History } from './history.ts'
import { startInstance } from './instances.ts'
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
    const rig: Rig = { history, postgres, cluster, router, users, instances: [], proxies: [] }
    const starting = Array.from({ length: options.instances }, async (_, number) => {
      let databaseUrl = postgres.url
      if (fault.proxied) {
        const random = createRandom(seed, `proxy ${number}`)
        const loses = () => fault.proxied === 'lossy' && random.chance(0.5)
        const proxy = await startProxy(postgres.port, loses)
        closing.push(() => proxy.close())
        rig.proxies[number] = proxy
        databaseUrl = through(proxy, databaseUrl)
      }
      const instance = await startInstance(number, { databaseUrl, mode, mutation })
      closing.push(instance.close)
      rig.instances[number] = instance
    })
    for (const started of await Promise.allSettled(starting))
      if (started.status === 'rejected') throw started.reason
    return { ...rig, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function through({ port }: PostgresProxy, url: string): string {
  return Object.assign(new URL(url), { port }).href
}
