/** One gateway from its example, the real service as a process beside it, the application behind it, and people. */
import type { Test } from 'tap'
import { type Run, run } from '../support/command.ts'
import { freePort } from '../support/ports.ts'
import { startService } from '../support/service.ts'
import { type GatewayName, startExample } from './example.ts'
import { type Ask, ask, exchange, upgrade } from './requests.ts'

export type Rig = Awaited<ReturnType<typeof startRig>>

export async function startRig(t: Test, name: GatewayName, edit?: (text: string) => string) {
  const ports = { service: await freePort(), application: await freePort(), gateway: await freePort() }
  // The one in this process only signs people in; the gateway asks the other, which can be stopped and frozen.
  const people = await startService()
  let service: Run
  const start = async () => {
    const env = {
      DATABASE_URL: people.database.url,
      PORT: String(ports.service),
      PUBLIC_URL: `http://127.0.0.1:${ports.gateway}`,
      TRUST_PROXY: '127.0.0.1',
    }
    service = run(['start'], { env })
    await service.printed('Server listening')
  }
  const stop = async () => {
    service.child.kill('SIGTERM')
    await service.ended
  }
  await start()
  const printed = await startExample(t, name, ports, edit)
  const cookie = (token: string) => ({ cookie: `${people.cookieName}=${token}` })

  return {
    name,
    ports,
    people,
    start,
    stop,
    /** The service stops answering; its connections stay open, and its port still accepts new ones. */
    freeze: () => service.child.kill('SIGSTOP'),
    thaw: () => service.child.kill('SIGCONT'),
    cookie,
    /** A user with two devices. */
    signIn: async (id: string = crypto.randomUUID()) => {
      await people.addUser(id)
      return { id, laptop: await people.signIn(id), phone: await people.signIn(id) }
    },
    /** Through the gateway. */
    ask: (path: string, options?: Ask) => ask(ports.gateway, path, options),
    exchange: (lines: string[]) => exchange(ports.gateway, lines),
    upgrade: (path: string, headers: Record<string, string>) => upgrade(ports.gateway, path, headers),
    /** How many requests the application has seen with `text` in their line. It prints them in the order of arrival. */
    applicationSaw: async (text: string) => {
      const marker = `/marker/${crypto.randomUUID()}`
      await ask(ports.application, marker)
      while (!printed.stdout.includes(marker)) await new Promise((turn) => setTimeout(turn, 5))
      return printed.stdout.split('\n').filter((line) => line.includes(text)).length
    },
  }
}
