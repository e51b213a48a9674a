/**
 * Service keys: who may ask for other people's sessions. The secret is shown once and stored hashed; every request reads
 * the database, so that a revoked key is refused from the next request on. Any number may be active at once: to rotate,
 * make the new one, change over, revoke the old one.
 */
import { randomBytes } from 'node:crypto'
import type { Database, Executor } from '../database/database.ts'
import { Problem, unavailable } from '../errors.ts'
import { batch } from '../lib/batch.ts'
import type { Log } from '../lib/log.ts'
import { type Actor, recordOperationWithoutRevocations } from '../operations/record.ts'
import { type FoundKey, findKeys, insertKey, type NewKey, recordKeyUse, revokeKey } from './queries.ts'
import type { ServiceKey } from './schema.ts'
import type { KeyScope } from './scopes.ts'

const PREFIX = 'glk_'
const KEY = /^glk_[A-Za-z0-9_-]{43}$/

/**
 * A key that is made or revoked counts at once, so nothing is remembered of any, and each is looked up. Those that come
 * together share a query: a flood of wrong ones takes two connections, and a right one is let in from the midst of it.
 */
const LOOK_UPS = { inFlight: 2, busyAt: 2, size: 256, waiting: 5_000, waitMs: 300, refusal: unavailable }

export type Keys = ReturnType<typeof createKeys>

/**
 * Makes a key, on the record. Run it in a transaction.
 * @returns its record, and the secret, which nobody can be shown again: 256 random bits.
 */
export async function createKey(
  tx: Executor,
  wanted: NewKey,
  by: Actor,
): Promise<{ key: string; record: ServiceKey }> {
  const key = PREFIX + randomBytes(32).toString('base64url')
  const record = await insertKey(tx, wanted, key)
  await recordOperationWithoutRevocations(tx, { ...by, kind: 'key.create', result: worth(record) })
  return { key, record }
}

/**
 * Revokes a key, on the record: it is refused from the next request on. Run it in a transaction.
 * @returns the key, or null when none with this id is active.
 */
export async function endKey(tx: Executor, id: string, by: Actor): Promise<ServiceKey | null> {
  const ended = await revokeKey(tx, id)
  if (ended) await recordOperationWithoutRevocations(tx, { ...by, kind: 'key.revoke', result: worth(ended) })
  return ended
}

/** What an operation tells of a key. */
function worth({ id, name, scopes, expiresAt }: ServiceKey): object {
  return { keyId: id, name, scopes, expiresAt: expiresAt?.toISOString() ?? null }
}

export function createKeys({ run, query }: Pick<Database, 'run' | 'query'>, log: Log) {
  const find = batch((keys: string[]) => findKeys(query, keys), LOOK_UPS)

  return {
    /**
     * The active key with this secret.
     * @throws Problem `invalid_key` when there is none, `insufficient_scope` when it may not do this.
     */
    async require(secret: string, scope: KeyScope): Promise<FoundKey> {
      const found = KEY.test(secret) ? await find(secret) : null
      if (!found)
        throw new Problem(
          'invalid_key',
          'No active service key is spelled like this; see "global-logout keys".',
        )
      // In the background: a use that could not be recorded is no reason to refuse it.
      if (found.stale)
        run((db) => recordKeyUse(db, found.id)).catch((err) =>
          log.warn({ err, keyId: found.id }, 'use of a service key not recorded'),
        )
      if (!found.scopes.includes(scope)) {
        const detail = `The key "${found.name}" has no scope ${scope}; it has ${found.scopes.join(', ')}.`
        throw new Problem('insufficient_scope', detail)
      }
      return found
    },
  }
}
