/** The named queries on `service_key`. A raw key passed to any of them is hashed by the column's type. */
import { and, desc, eq, isNull, or, sql } from 'drizzle-orm'
import { hashToken } from '../sessions/tokens.ts'
import type { Database, Executor } from './database.ts'
import { type KeyScope, type ServiceKey, serviceKey } from './staff-schema.ts'

const now = sql`statement_timestamp()`
const isActive = and(
  isNull(serviceKey.revokedAt),
  or(isNull(serviceKey.expiresAt), sql`${serviceKey.expiresAt} > ${now}`),
)

export interface FoundKey {
  id: string
  name: string
  scopes: KeyScope[]
  /** Whether its last recorded use is old enough to be recorded anew. */
  stale: boolean
}

const FIND_KEY = {
  name: 'find-key',
  text: `select id, name, scopes, coalesce(last_used_at < statement_timestamp() - interval '1 minute', true)
    from service_key
    where key_hash = $1 and revoked_at is null and coalesce(expires_at > statement_timestamp(), true)`,
}

/** The active key with this secret, or null. */
export async function findKey(query: Database['query'], key: string): Promise<FoundKey | null> {
  const [row] = await query<[string, string, KeyScope[], boolean]>({ ...FIND_KEY, values: [hashToken(key)] })
  if (!row) return null
  const [id, name, scopes, stale] = row
  return { id, name, scopes, stale }
}

export async function recordKeyUse(db: Executor, id: string): Promise<void> {
  await db.update(serviceKey).set({ lastUsedAt: now }).where(eq(serviceKey.id, id))
}

export interface NewKey {
  name: string
  scopes: KeyScope[]
  /** How long it lives, in seconds; null until it is revoked. */
  lifetimeSeconds: number | null
}

export async function insertKey(
  db: Executor,
  { name, scopes, lifetimeSeconds }: NewKey,
  key: string,
): Promise<ServiceKey> {
  const expiresAt = lifetimeSeconds === null ? null : sql`${now} + make_interval(secs => ${lifetimeSeconds})`
  const [created] = await db.insert(serviceKey).values({ name, scopes, keyHash: key, expiresAt }).returning()
  if (!created) throw new Error('the insert returned no row')
  return created
}

export type ListedKey = ServiceKey & { state: 'active' | 'expired' | 'revoked' }

/** Keys, newest first; those that are over only with `all`. */
export function listKeys(db: Executor, { all = false } = {}): Promise<ListedKey[]> {
  const state = sql<ListedKey['state']>`case when ${serviceKey.revokedAt} is not null then 'revoked'
    when ${serviceKey.expiresAt} <= ${now} then 'expired' else 'active' end`
  return db
    .select({
      id: serviceKey.id,
      name: serviceKey.name,
      keyHash: serviceKey.keyHash,
      scopes: serviceKey.scopes,
      createdAt: serviceKey.createdAt,
      expiresAt: serviceKey.expiresAt,
      lastUsedAt: serviceKey.lastUsedAt,
      revokedAt: serviceKey.revokedAt,
      state,
    })
    .from(serviceKey)
    .where(all ? undefined : isActive)
    .orderBy(desc(serviceKey.createdAt))
}

/** Revokes a key. @returns it, or null when there is none, or it was revoked before. */
export async function revokeKey(db: Executor, id: string): Promise<ServiceKey | null> {
  const [key] = await db
    .update(serviceKey)
    .set({ revokedAt: now })
    .where(and(eq(serviceKey.id, id), isNull(serviceKey.revokedAt)))
    .returning()
  return key ?? null
}
