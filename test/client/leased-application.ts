/** An application that answers checks from memory, in a process of its own. Its parent asks over IPC. */
import { createDatabaseSessions } from '@global-logout/postgres'
import { bearer } from './sessions-suite.ts'

export interface Asked {
  id: number
  what: 'check' | 'logout' | 'close'
  token: string
  /** How often it checks, one after another. */
  times: number
}

const sessions = createDatabaseSessions({
  connectionString: process.argv[2] ?? '',
  checks: 'leased',
  timeoutMs: 10_000,
  leases: { onError() {} },
})

async function answer({ what, token, times }: Asked): Promise<unknown> {
  if (what === 'close') return sessions.close()
  if (what === 'logout') return sessions.logout(bearer(token), { scope: 'global' })
  let identity = null
  for (let n = 0; n < times; n++) identity = await sessions.check(bearer(token))
  return identity?.userId ?? null
}

process.on('message', (asked: Asked) => {
  answer(asked).then(
    (result) => process.send?.({ id: asked.id, result }),
    (error) => process.send?.({ id: asked.id, error: { name: error.name, message: error.message } }),
  )
})
process.send?.({ id: 0 })
