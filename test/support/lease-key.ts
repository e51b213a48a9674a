/** A service key that may lease, as `global-logout keys create` makes it. */
import { openDatabase } from '../../src/database/database.ts'
import { createKey } from '../../src/service-api/keys.ts'

/** @param url of the database. @returns the secret. */
export async function createLeaseKey(url: string, name: string): Promise<string> {
  const database = openDatabase(url, { max: 1 })
  const actor = { actorKind: 'system', actorId: name } as const
  try {
    const made = await database.transaction((tx) =>
      createKey(tx, { name, scopes: ['leases'], lifetimeSeconds: null }, actor),
    )
    return made.key
  } finally {
    await database.close()
  }
}
