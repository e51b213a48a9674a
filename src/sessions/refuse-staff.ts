/**
 * A service key acts on security staff only with the scope `security`: else it could give itself a staff role. Logins of applications
 * have the same rule in the database, by a role: `refuse_staff()` in migrations/0003_applications.sql.
 */
import type { Executor } from '../database/database.ts'
import { Problem } from '../errors.ts'

export type IsStaff = (tx: Executor, userId: string) => Promise<boolean>
export type RefuseStaff = ReturnType<typeof createRefuseStaff>

/** @returns a function for use under the lock of the user. It throws Problem `insufficient_scope`; `act` completes "To …, ". */
export function createRefuseStaff(isStaff: IsStaff) {
  return async (tx: Executor, { scopes }: { scopes: readonly string[] }, userId: string, act: string) => {
    if (scopes.includes('security') || !(await isStaff(tx, userId))) return
    throw new Problem(
      'insufficient_scope',
      `This user is security staff. To ${act}, the key also needs the scope security.`,
    )
  }
}
