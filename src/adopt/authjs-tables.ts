/**
 * The five tables of Auth.js's Drizzle adapter, for an application that has none. They are the application's from then on: the
 * service neither reads nor changes them. Names are those that drizzle-kit gives, so that it finds no difference later.
 */
import { sql } from 'drizzle-orm'
import { UsageError } from '../cli/common.ts'
import type { CommandContext } from '../cli/context.ts'
import { print } from '../cli/print.ts'
import { fetchRows } from '../database/rows.ts'

const AUTHJS_TABLES = ['user', 'account', 'session', 'verificationToken', 'authenticator'] as const

/** @param schema of the application, with quotes where SQL needs them. */
const statements = (schema: string) => [
  `create table ${schema}."user" (
    "id" text primary key,
    "name" text,
    "email" text constraint "user_email_unique" unique,
    "emailVerified" timestamp,
    "image" text
  )`,
  `create table ${schema}."account" (
    "userId" text not null constraint "account_userId_user_id_fk" references ${schema}."user" ("id") on delete cascade,
    "type" text not null,
    "provider" text not null,
    "providerAccountId" text not null,
    "refresh_token" text,
    "access_token" text,
    "expires_at" integer,
    "token_type" text,
    "scope" text,
    "id_token" text,
    "session_state" text,
    constraint "account_provider_providerAccountId_pk" primary key ("provider", "providerAccountId")
  )`,
  `create table ${schema}."session" (
    "sessionToken" text primary key,
    "userId" text not null constraint "session_userId_user_id_fk" references ${schema}."user" ("id") on delete cascade,
    "expires" timestamp not null
  )`,
  `create table ${schema}."verificationToken" (
    "identifier" text not null,
    "token" text not null,
    "expires" timestamp not null,
    constraint "verificationToken_identifier_token_pk" primary key ("identifier", "token")
  )`,
  `create table ${schema}."authenticator" (
    "credentialID" text not null constraint "authenticator_credentialID_unique" unique,
    "userId" text not null constraint "authenticator_userId_user_id_fk" references ${schema}."user" ("id") on delete cascade,
    "providerAccountId" text not null,
    "credentialPublicKey" text not null,
    "counter" integer not null,
    "credentialDeviceType" text not null,
    "credentialBackedUp" boolean not null,
    "transports" text,
    constraint "authenticator_userId_credentialID_pk" primary key ("userId", "credentialID")
  )`,
]

/** All five or none. @throws UsageError when the schema is missing, or has one of them. */
export async function createAuthjsTables(context: CommandContext, schema: string): Promise<void> {
  await context.withDatabase((database) =>
    database.transaction(async (tx) => {
      const [found] = await fetchRows<{ quoted: string; existing: string[] }>(
        tx,
        sql`select pg_catalog.quote_ident(n.nspname::text) as quoted,
            array(select c.relname::text from pg_class c where c.relnamespace = n.oid
              and c.relname = any (${sql.raw(`'{${AUTHJS_TABLES.join()}}'`)}::name[]) order by 1) as existing
          from pg_namespace n where n.nspname = ${schema}::name`,
      )
      if (!found) throw new UsageError(`--authjs-tables: there is no schema ${schema}.`)
      if (found.existing.length > 0)
        throw new UsageError(
          `--authjs-tables: ${schema} already has ${found.existing.join(', ')}. Nothing was changed; the application can use its own tables.`,
        )
      for (const statement of statements(found.quoted)) await tx.execute(statement)
    }),
  )
  print(`Created in ${schema}: ${AUTHJS_TABLES.join(', ')}. They belong to the application.`)
}
