/** The named queries on `service_key`. The column type hashes every raw key. */
import { and, desc, eq, isNull, or, sql } from 'drizzle-orm'
import type { Database, Executor } from '../database/database.ts'
import { hashToken } from '../database/token-hash.ts'
import { type ServiceKey, serviceKey } from './schema.ts'
import type { KeyScope } from './scopes.ts'

const now = sql`statement_timestamp()`
/** SQL that is true for keys that are neither revoked nor expired. */
export const isActive = and(
  isNull(serviceKey.revokedAt),
  or(isNull(serviceKey.expiresAt), sql`${serviceKey.expiresAt} > ${now}`),
)

export interface FoundKey {
  id: string
  name: string
  scopes: KeyScope[]
  /** Whether the last recorded use is older than a minute, so that this use should be recorded. */
  stale: boolean
}

const FIND_KEYS = {
  name: 'find-keys',
  text: `select asked.position::int, id, name, scopes,
      coalesce(last_used_at < statement_timestamp() - interval '1 minute', true)
    from pg_catalog.unnest($1::text[]) with ordinality as asked (hash, position) join global_logout.service_key on key_hash = asked.hash
    where revoked_at is null and coalesce(expires_at > statement_timestamp(), true)`,
}

/** The active keys with these secrets, in the same order; null for a secret that matches no active key. */
export async function findKeys(query: Database['query'], keys: string[]): Promise<(FoundKey | null)[]> {
  const answers: (FoundKey | null)[] = new Array(keys.length).fill(null)
  const rows = await query<[position: number, string, string, KeyScope[], boolean]>({
    ...FIND_KEYS,
    values: [keys.map(hashToken)],
  })
  for (const [position, id, name, scopes, stale] of rows) answers[position - 1] = { id, name, scopes, stale }
  return answers
}

export async function recordKeyUse(db: Executor, id: string): Promise<void> {
  await db.update(serviceKey).set({ lastUsedAt: now }).where(eq(serviceKey.id, id))
}

export interface NewKey {
  name: string
  scopes: KeyScope[]
  /** Lifetime in seconds; null for a key that does not expire. */
  lifetimeSeconds: number | null
}

export async function insertKey(
  db: Executor,
  { name, scopes, lifetimeSeconds }: NewKey,
  key: string,
): Promise<ServiceKey> {
  const expiresAt =
    lifetimeSeconds === null
      ? null
      : sql`${now} + pg_catalog.make_interval(secs => ${lifetimeSeconds}::double precision)`
  const [created] = await db.insert(serviceKey).values({ name, scopes, keyHash: key, expiresAt }).returning()
  if (!created) throw new Error('the insert returned no row')
  return created
}

export type ListedKey = ServiceKey & { state: 'active' | 'expired' | 'revoked' }

/** Keys, newest first; expired and revoked ones only with `all`. */
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

/** Revokes a key. @returns the key, or null when there is none or it was already revoked. */
export async function revokeKey(db: Executor, id: string): Promise<ServiceKey | null> {
  const [key] = await db
    .update(serviceKey)
    .set({ revokedAt: now })
    .where(and(eq(serviceKey.id, id), isNull(serviceKey.revokedAt)))
    .returning()
  return key ?? null
}
