/**
 * The load next to an incident: users of the incident sign in and out, and a connection watches for lock
 * waits.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Postgres } from '../postgres.ts'
import type { Server } from '../processes.ts'
import { tokenOf } from '../seeded.ts'

export interface Bystanders {
  loginMs: number[]
  logoutMs: number[]
  /** The longest time that a statement was seen waiting for a lock. */
  lockWaitMs: number
}

export const SESSIONS_PER_USER = 5
/** Between two looks for lock waits, and between two sign-ins or logouts. */
const LOOK_MS = 20
const ACT_MS = 50

export function startBystanders(
  postgres: Postgres,
  copy: string,
  { base }: Server,
  headers: Record<string, string>,
  sessions: number,
) {
  const users = sessions / SESSIONS_PER_USER
  const loginMs: number[] = []
  const logoutMs: number[] = []
  let lockWaitMs = 0
  let over = false
  const timed = async (times: number[], work: () => Promise<unknown>) => {
    while (!over) {
      const began = performance.now()
      await work()
      times.push(performance.now() - began)
      await sleep(ACT_MS)
    }
  }
  const any = (most: number) => 1 + Math.floor(Math.random() * most)
  const all = [
    timed(loginMs, () =>
      call(`${base}/api/sessions`, headers, {
        user: { id: `affected ${any(users)}` },
        userAgent: 'new',
      }),
    ),
    timed(logoutMs, async () => {
      const authorization = `Bearer ${tokenOf(`affected ${any(sessions)}`)}`
      const { status } = await fetch(`${base}/api/logout`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: '{"scope":"global"}',
      })
      // 401: the incident was faster, so this token can no longer log out the others.
      if (status !== 200 && status !== 401) throw new Error(`a logout answered ${status}`)
    }),
    postgres.connected(copy, async (client) => {
      for (; !over; await sleep(LOOK_MS)) {
        const { rows } = await client.query(
          'select max(extract(epoch from clock_timestamp() - waitstart) * 1000)::float8 as ms from pg_locks where not granted',
        )
        lockWaitMs = Math.max(lockWaitMs, rows[0].ms ?? 0)
      }
    }),
  ]
  const settled = Promise.all(all)
  // Errors are thrown by `stop`.
  settled.catch(() => {})
  return {
    async stop(): Promise<Bystanders> {
      over = true
      await settled
      return { loginMs, logoutMs, lockWaitMs }
    },
  }
}

// biome-ignore lint/suspicious/noExplicitAny: answers of several routes
export async function call(url: string, headers: Record<string, string>, body?: unknown): Promise<any> {
  const response = await fetch(url, {
    headers,
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return response.json()
}
