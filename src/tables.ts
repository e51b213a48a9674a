/** Lists every table, for drizzle-kit and the check for hidden rows. Each module defines its tables; add a new schema here. */
import { getTableName, is } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'
import * as adopt from './adopt/schema.ts'
import * as jobs from './database/schema.ts'
import * as feed from './feed/schema.ts'
import * as leases from './leases/schema.ts'
import * as operations from './operations/schema.ts'
import * as keys from './service-api/schema.ts'
import * as sessions from './sessions/schema.ts'
import * as audit from './staff/audit/schema.ts'
import * as incidents from './staff/incidents/schema.ts'
import * as personalData from './staff/personal-data/schema.ts'
import * as replays from './staff/replays/schema.ts'
import * as staff from './staff/schema.ts'

const tables = {
  ...adopt,
  ...jobs,
  ...feed,
  ...leases,
  ...operations,
  ...keys,
  ...sessions,
  ...audit,
  ...incidents,
  ...replays,
  ...personalData,
  ...staff,
}

/** The names of our tables. */
export const TABLES = Object.values(tables)
  .filter((each) => is(each, PgTable))
  .map((table) => getTableName(table))
