/** The table of users who were erased. Only a function of the owner writes it. */
import { bytea, instant } from '../../database/columns.ts'
import { ownSchema } from '../../database/own-schema.ts'

/** A hash of the id: what an application still holds of a session from before is not taken over. Kept as long as revocations. */
export const erasedUser = ownSchema.table('erased_user', {
  idHash: bytea('id_hash').primaryKey(),
  at: instant('at').notNull().defaultNow(),
})
