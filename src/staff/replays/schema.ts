/** The table of reused revoked tokens. */
import { sql } from 'drizzle-orm'
import { bigint, boolean, index, inet, integer, text, uuid } from 'drizzle-orm/pg-core'
import { instant, xid8 } from '../../database/columns.ts'
import { ownSchema } from '../../database/own-schema.ts'

/**
 * A reused revoked token, by minute: a sign of theft. Numbered by the sequence of `revoked_session`, so that a transaction and
 * a number are one position in a feed of both.
 */
export const replay = ownSchema.table(
  'replay',
  {
    id: bigint('id', { mode: 'bigint' })
      .primaryKey()
      .default(sql`nextval('global_logout.revoked_session_id_seq'::regclass)`),
    sessionId: uuid('session_id').notNull(),
    userId: text('user_id').notNull(),
    /** The operation that ended the session; null if it ended outside the service. */
    operationId: uuid('operation_id'),
    /** Uses since the last row for this token. */
    count: integer('count').notNull().default(1),
    at: instant('at').notNull().default(sql`statement_timestamp()`),
    ipAddress: inet('ip_address'),
    userAgent: text('user_agent'),
    /** Whether address and program are those of the session; null if either side is unknown. */
    sameAddress: boolean('same_address'),
    sameProgram: boolean('same_program'),
    /** The operation in which staff said that they have seen it. */
    acknowledgedBy: uuid('acknowledged_by'),
    xid: xid8('xid').notNull().default(sql`pg_current_xact_id()`),
  },
  (table) => [
    index('replay_user_id_at_idx').on(table.userId, table.at),
    index('replay_at_idx').on(table.at),
    index('replay_xid_id_idx').on(table.xid, table.id),
  ],
)

export type Replay = typeof replay.$inferSelect
