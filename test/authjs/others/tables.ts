/**
 * The tables of `schema.prisma`, and those that `@auth/pg-adapter` documents, with columns of the
 * application's own.
 */
export const PRISMA_SQL = `create schema shop;
  create table shop.people (id text primary key, name text, email text not null unique, "emailVerified" timestamp(3), image text,
    role text not null default 'member', tenant_id integer not null default 7);
  create table shop."Account" ("userId" text not null references shop.people on delete cascade, type text not null,
    provider text not null, "providerAccountId" text not null, refresh_token text, access_token text, expires_at integer,
    token_type text, scope text, id_token text, session_state text, primary key (provider, "providerAccountId"));
  create table shop."Session" ("sessionToken" text not null unique, "userId" text not null references shop.people on delete cascade,
    expires timestamp(3) not null);
  create table shop."VerificationToken" (identifier text not null, token text not null, expires timestamp(3) not null,
    primary key (identifier, token))`

export const PG_SQL = `create schema plain;
  create table plain.verification_token (identifier text not null, expires timestamptz not null, token text not null,
    primary key (identifier, token));
  create table plain.accounts (id serial primary key, "userId" integer not null, type varchar(255) not null,
    provider varchar(255) not null, "providerAccountId" varchar(255) not null, refresh_token text, access_token text,
    expires_at bigint, id_token text, scope text, session_state text, token_type text, unique (provider, "providerAccountId"));
  create table plain.sessions (id serial primary key, "userId" integer not null, expires timestamptz not null,
    "sessionToken" varchar(255) not null);
  create table plain.users (id serial primary key, name varchar(255), email varchar(255) unique, "emailVerified" timestamptz,
    image text, role text not null default 'member', "tenantId" integer not null default 7)`
