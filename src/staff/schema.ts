/** The table of staff: users with a role. */
import { sql } from 'drizzle-orm'
import { check, index, text } from 'drizzle-orm/pg-core'
import { instant, oneOf } from '../database/columns.ts'
import { ownSchema } from '../database/own-schema.ts'
import { STAFF_ROLES, type StaffRole } from './role-names.ts'

/** Users who may see all sessions in the console (`auditor`), and end them (`security`). Kept by id, as locks are. */
export const staff = ownSchema.table(
  'staff',
  {
    userId: text('user_id').primaryKey(),
    role: text('role').$type<StaffRole>().notNull(),
    grantedAt: instant('granted_at').notNull().defaultNow(),
  },
  (table) => [
    index('staff_user_id_prefix_idx').on(sql`lower(${table.userId}) text_pattern_ops`),
    check('staff_roles', sql`${table.role} in ${oneOf(STAFF_ROLES)}`),
  ],
)
