/** Defines tables in our schema. */
import { pgSchema } from 'drizzle-orm/pg-core'
import { DEFAULT_SCHEMA } from './schema-name.ts'

export const ownSchema = pgSchema(DEFAULT_SCHEMA)
