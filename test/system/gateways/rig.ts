/** Starts a gateway from its example, the service as a process, the application behind it, and a second service for sign-ins. */
import { readdir, readlink, stat } from 'node:fs/promises'
import type { OutgoingHttpHeaders } from 'node:http2'
import type { Test } from 'tap'
import { type Run, run } from '../../support/command.ts'
import { freePort } from '../../support/ports.ts'
import { startService } from '../../support/service.ts'
import { within } from '../../support/within.ts'
import { type GatewayName, startExample } from './example.ts'
import { askHttp2, type Http2Ask } from './http2.ts'
import { type Ask, ask, exchange, flood, open, upgrade } from './requests.ts'

export type Rig = Awaited<ReturnType<typeof startRig>>

/** The contract of a gateway: tests by name. */
export type Contract = Record<string, (t: Test, rig: Rig) => Promise<void>>

export async function startRig(t: Test, name: GatewayName, edit?: (text: string) => string) {
  const ports = { service: await freePort(), application: await freePort(), gateway: await freePort() }
  // This one signs users in. The gateway uses the other, a process that can be stopped and frozen.
  const localService = await startService()
  let service: Run
  const start = async () => {
    const env = {
      DATABASE_URL: localService.database.url,
      PORT: String(ports.service),
      PUBLIC_URL: `http://127.0.0.1:${ports.gateway}`,
      TRUST_PROXY: '127.0.0.1',
      SIGN_IN_URL: '/login?callbackUrl={return}',
    }
    service = run(['start'], { env })
    await service.ready(ports.service)
  }
  const stop = async () => {
    service.child.kill('SIGTERM')
    await within('end of the service', service.ended)
  }
  await start()
  const printed = await startExample(t, name, ports, edit)
  const cookie = (token: string) => ({ cookie: `${localService.cookieName}=${token}` })

  return {
    name,
    ports,
    localService,
    start,
    stop,
    /** The service stops answering; its connections stay open, and its port still accepts new ones. */
    freeze: () => service.child.kill('SIGSTOP'),
    thaw: () => service.child.kill('SIGCONT'),
    cookie,
    /** A user with two devices. */
    signIn: async (id: string = crypto.randomUUID()) => {
      await localService.addUser(id)
      return { id, laptop: await localService.signIn(id), phone: await localService.signIn(id) }
    },
    /** Sends a request through the gateway. */
    ask: (path: string, options?: Ask) => ask(ports.gateway, path, options),
    exchange: (lines: string[]) => exchange(ports.gateway, lines),
    upgrade: (path: string, headers: Record<string, string>, method?: string) =>
      upgrade(ports.gateway, path, headers, method),
    open: (lines: string[]) => open(ports.gateway, lines),
    askHttp2: (headers: OutgoingHttpHeaders, options?: Http2Ask) => askHttp2(ports.gateway, headers, options),
    /** Sends a body without end. @returns its status, and what the gateway has stored of it by then, in bytes. */
    flood: (lines: string[], limit: number) =>
      flood(ports.gateway, lines, limit, () => largestOpened(printed.folder)),
    /**
     * How many requests with `text` in their line the application has received. It prints them in the order
     * of arrival.
     */
    applicationSaw: async (text: string) => {
      const marker = `/marker/${crypto.randomUUID()}`
      await ask(ports.application, marker)
      await within('line of the application about a request', printed.until(marker))
      return printed.stdout.split('\n').filter((line) => line.includes(text)).length
    },
  }
}

/** The size of the largest file below a folder that any process has open, also when it is deleted. Linux only. */
async function largestOpened(folder: string): Promise<number> {
  const processes = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const sizes = processes.map(async (id) => {
    const files = await readdir(`/proc/${id}/fd`).catch(() => [])
    const found = files.map(async (fd) => {
      const path = `/proc/${id}/fd/${fd}`
      const target = await readlink(path).catch(() => '')
      return target.startsWith(folder) ? ((await stat(path).catch(() => null))?.size ?? 0) : 0
    })
    return Math.max(0, ...(await Promise.all(found)))
  })
  return Math.max(0, ...(await Promise.all(sizes)))
}
