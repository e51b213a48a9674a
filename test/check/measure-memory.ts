/**
 * Prints how many bytes a cached session takes beyond its own strings (hashed token, user id, session id), as JSON.
 *
 *     node --expose-gc test/check/measure-memory.ts [SESSIONS]
 */

import { CachedSession, createSessionCache } from '../../src/check/cache.ts'
import { hashToken } from '../../src/database/token-hash.ts'
import { LEASE_MS } from '../../src/leases/lease.ts'

const sessions = Number(process.argv[2] ?? 200_000)
const rows = Array.from({ length: sessions }, (_, n) => ({
  key: hashToken(`token-${n}`),
  read: {
    userId: `user-${n % 1000}`,
    sessionId: crypto.randomUUID(),
    createdAt: 1_795_000_000.5 + n,
    expiresAt: 1_795_600_000.5 + n,
    age: 1_000.5 + n,
    lifeSeconds: 86_400.5,
    touchSeconds: 12.25,
    passiveTouchSeconds: 12.25,
    touchInterval: 60,
  },
}))

function used(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + external + arrayBuffers
}

const before = used()
const cache = createSessionCache(sessions)
cache.begin()
cache.extend(0, 0)
for (const { key, read } of rows) await cache.read(key, 0, async () => new CachedSession(read, 1000))
const bytes = (used() - before) / sessions
const found = rows.filter(({ key }) => cache.find(key, LEASE_MS / 2)).length
process.stdout.write(`${JSON.stringify({ sessions, found, bytes })}\n`)
