/** Every table, as drizzle-kit and the check for hidden rows read them. A new table belongs to a module; its schema is listed here. */
import { getTableName, is } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'
import * as jobs from './database/schema.ts'
import * as feed from './feed/schema.ts'
import * as leases from './leases/schema.ts'
import * as operations from './operations/schema.ts'
import * as keys from './service-api/schema.ts'
import * as sessions from './sessions/schema.ts'
import * as audit from './staff/audit/schema.ts'
import * as incidents from './staff/incidents/schema.ts'
import * as replays from './staff/replays/schema.ts'
import * as staff from './staff/schema.ts'

const tables = {
  ...jobs,
  ...feed,
  ...leases,
  ...operations,
  ...keys,
  ...sessions,
  ...audit,
  ...incidents,
  ...replays,
  ...staff,
}

/** The names of the tables that the service reads: all but two, which only Auth.js does. */
export const TABLES = Object.values(tables)
  .filter((each) => is(each, PgTable))
  .filter((table) => table !== tables.account && table !== tables.verificationToken)
  .map((table) => getTableName(table))

/** Those that no application of Auth.js has. */
export const OWN_TABLES = TABLES.filter((name) => !['user', 'session'].includes(name))
