/**
 * Service keys: credentials of services that call the API. A secret is shown once and stored as a hash. Every request but
 * one for a lease reads the database, so a revoked key is refused from the next request on. Several keys can be active at once, so a service can
 * switch to a new key before the old one is revoked.
 */
import { randomBytes } from 'node:crypto'
import type { Database, Executor } from '../database/database.ts'
import { Problem, unavailable } from '../errors.ts'
import { batch } from '../lib/batch.ts'
import type { Log } from '../lib/log.ts'
import type { Act } from '../operations/acknowledged.ts'
import { type Actor, recordOperationWithoutRevocations } from '../operations/record.ts'
import { type FoundKey, findKeys, insertKey, type NewKey, recordKeyUse, revokeKey } from './queries.ts'
import type { ServiceKey } from './schema.ts'
import type { KeyScope } from './scopes.ts'

const PREFIX = 'glk_'
const KEY = /^glk_[A-Za-z0-9_-]{43}$/

/**
 * Lookups are never cached, so that a new or revoked key takes effect immediately. Simultaneous lookups share a query: a flood
 * of wrong keys uses at most two connections and does not block valid ones.
 */
const LOOK_UPS = { inFlight: 2, size: 256, waiting: 5_000, waitMs: 300, refusal: unavailable }

export type Keys = ReturnType<typeof createKeys>

/**
 * Creates a key and records the operation. Run it in a transaction.
 * @returns the stored key, and the secret (256 random bits), which cannot be shown again.
 */
export async function createKey(
  tx: Executor,
  wanted: NewKey,
  by: Actor,
): Promise<{ key: string; record: ServiceKey }> {
  const key = PREFIX + randomBytes(32).toString('base64url')
  const record = await insertKey(tx, wanted, key)
  await recordOperationWithoutRevocations(tx, { ...by, kind: 'key.create', result: auditDetails(record) })
  return { key, record }
}

/**
 * Revokes a key and records the operation: the key is refused from the next request on. Run it in a transaction.
 * @returns the key, and the act, to be kept after the commit; null when no active key has this id.
 */
export async function endKey(
  tx: Executor,
  id: string,
  by: Actor,
): Promise<{ key: ServiceKey; act: Act } | null> {
  const key = await revokeKey(tx, id)
  if (!key) return null
  const what = { ...by, kind: 'key.revoke' as const, result: auditDetails(key) }
  return { key, act: { id: await recordOperationWithoutRevocations(tx, what), what, sessionIds: [] } }
}

/** What the audit log records of a key. */
function auditDetails({ id, name, scopes, expiresAt }: ServiceKey): object {
  return { keyId: id, name, scopes, expiresAt: expiresAt?.toISOString() ?? null }
}

export function createKeys({ run, query }: Pick<Database, 'run' | 'query'>, log: Log) {
  const find = batch((keys: string[]) => findKeys(query, keys), LOOK_UPS)

  return {
    /**
     * The active key with this secret.
     * @throws Problem `invalid_key` when there is none, `insufficient_scope` when it lacks the scope.
     */
    async require(secret: string, scope: KeyScope): Promise<FoundKey> {
      const found = KEY.test(secret) ? await find(secret) : null
      if (!found)
        throw new Problem('invalid_key', 'No active service key matches. Run "global-logout keys list".')
      // In the background: a failure to record the use must not refuse the request.
      if (found.stale)
        run((db) => recordKeyUse(db, found.id)).catch((err) =>
          log.warn({ err, keyId: found.id }, 'use of a service key not recorded'),
        )
      if (!found.scopes.includes(scope)) {
        const detail = `The key "${found.name}" lacks the scope ${scope}; it has ${found.scopes.join(', ')}.`
        throw new Problem('insufficient_scope', detail)
      }
      return found
    },
  }
}
