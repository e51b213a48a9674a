/** Makes a streaming standby of a server, and restarts a primary as a standby. */
import { chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startEmbedded } from '../../demo/embedded.ts'
import type { ownServer } from './own-server.ts'
import { freePort } from './ports.ts'
import { runProgram } from './run-program.ts'

type OwnServer = Awaited<ReturnType<typeof ownServer>>

/** Makes the server in this folder start as a standby. */
export async function demote(folder: string): Promise<void> {
  const data = join(folder, 'postgres')
  await writeFile(join(data, 'standby.signal'), '')
  const { uid, gid } = await stat(data)
  await chown(join(data, 'standby.signal'), uid, gid)
}

/** Copies the server, which is stopped meanwhile, and starts the copy as its standby. */
export async function standbyOf(primary: OwnServer) {
  const folder = await mkdtemp(join(tmpdir(), 'global-logout-standby-'))
  await primary.stop()
  await runProgram('cp', ['-a', join(primary.folder, 'postgres'), folder])
  await primary.start()
  await demote(folder)
  const { hostname, port, username, password } = new URL(primary.url)
  const primary_conninfo = `host=${hostname} port=${port} user=${username} password=${password}`
  const running = await startEmbedded(folder, { port: await freePort(), settings: { primary_conninfo } })
  t.teardown(async () => {
    await running.stop()
    await rm(folder, { recursive: true, force: true })
  })
  return running
}
