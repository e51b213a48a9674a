/** An HTTP route of an application with and without a guard: what a check under a lease takes from it, and what a JWT does. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLeaseKey } from '../../test/support/lease-key.ts'
import { buildNext, NEXT } from '../build-next.ts'
import type { Load } from '../generator.ts'
import { load } from '../load.ts'
import { serve } from '../measure.ts'
import { readable } from '../numbers.ts'
import type { Options } from '../options.ts'
import type { Postgres } from '../postgres.ts'
import { startServer } from '../processes.ts'
import { progress } from '../progress.ts'
import { seed } from '../seed.ts'
import { cpuOf } from '../usage.ts'

export interface RouteSample extends Load {
  framework: string
  guard: string
  /** µs of CPU of the application for each request. */
  cpu: number
}

const FRAMEWORKS = ['fastify', 'express', 'next']
const GUARDS = ['none', 'leased', 'HS256', 'ES256']
/** Sessions in use. */
const IN_USE = 1_000
const CONNECTIONS = 32

export async function routes(
  postgres: Postgres,
  { rounds, sessions, seconds }: Options,
): Promise<RouteSample[]> {
  const database = await seed(postgres, 'service', sessions)
  const key = await createLeaseKey(postgres.urlOf(database), 'bench')
  const service = await serve(postgres, 'leased', database)
  const folder = await mkdtemp(join(tmpdir(), 'global-logout-bench-'))
  const samples: RouteSample[] = []
  const script = new URL('../servers/guarded.ts', import.meta.url)
  const env = { SERVICE_URL: service.base, SERVICE_KEY: key, SESSIONS: String(sessions) }
  if (!NEXT) progress('routes: without Next.js, which "npm ci --prefix examples/nextjs" installs')
  const application = NEXT && (await buildNext())

  async function turn(framework: string, guard: string): Promise<RouteSample> {
    const server = await (framework === 'next' && NEXT
      ? startServer(NEXT, ['start', application ?? ''], { ...env, GUARD: guard })
      : startServer(script, [framework, guard], env))
    try {
      const cookies = (await (await fetch(`${server.base}/cookies?count=${IN_USE}`)).json()) as string[]
      const [first = ''] = cookies
      await expect(server.base, first, 200)
      await expect(server.base, first.replace(/.{8}$/, 'forged00'), guard === 'none' ? 200 : 401)
      const cookieFile = join(folder, 'cookies')
      await writeFile(cookieFile, `${cookies.join('\n')}\n`)
      const options = { url: `${server.base}/`, cookieFile, connections: CONNECTIONS }
      await load({ ...options, seconds: Math.max(1, Math.round(seconds / 2)) })
      const before = await cpuOf(server.pid)
      const result = await load({ ...options, seconds })
      const cpu = ((await cpuOf(server.pid)) - before) / result.requests
      return { framework, guard, cpu, ...result }
    } finally {
      await server.stop()
    }
  }

  try {
    for (let round = 1; round <= rounds; round++)
      for (const framework of FRAMEWORKS.filter((each) => each !== 'next' || NEXT))
        for (const guard of GUARDS) {
          const sample = await turn(framework, guard)
          samples.push(sample)
          progress(
            `routes ${round}/${rounds}: ${framework}, ${guard}, ${readable(sample.perSecond)} a second, ${readable(sample.cpu)} µs of CPU each`,
          )
        }
  } finally {
    await service.stop()
    await rm(folder, { recursive: true, force: true })
  }
  return samples
}

async function expect(base: string, cookie: string, wanted: number): Promise<void> {
  const { status } = await fetch(base, { headers: { cookie } })
  if (status !== wanted) throw new Error(`the route answered ${status}, not ${wanted}`)
}
