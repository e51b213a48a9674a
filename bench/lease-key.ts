/** A service key that may lease, created as `global-logout keys create` does. */
import { openDatabase } from '../src/database/database.ts'
import { createKey } from '../src/service-api/keys.ts'

/** @param url of the database. @returns the secret. */
export async function createLeaseKey(url: string): Promise<string> {
  const database = openDatabase(url, { max: 1 })
  const wanted = { name: 'bench', scopes: ['leases' as const], lifetimeSeconds: null }
  try {
    return (
      await database.transaction((tx) => createKey(tx, wanted, { actorKind: 'system', actorId: 'bench' }))
    ).key
  } finally {
    await database.close()
  }
}
