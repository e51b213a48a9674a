-- The application has tables, functions, triggers and a journal with the same names as ours.
create table "user" (id text primary key, name text, email text unique, "emailVerified" timestamp, image text);
create table account ("userId" text not null references "user"(id) on delete cascade, type text not null, provider text not null, "providerAccountId" text not null, refresh_token text, access_token text, expires_at integer, token_type text, scope text, id_token text, session_state text, primary key (provider, "providerAccountId"));
create table session ("sessionToken" text primary key, "userId" text not null references "user"(id) on delete cascade, expires timestamp not null);
create table "verificationToken" (identifier text not null, token text not null, expires timestamp not null, primary key (identifier, token));
create table authenticator ("credentialID" text not null unique, "userId" text not null references "user"(id) on delete cascade, "providerAccountId" text not null, "credentialPublicKey" text not null, counter integer not null, "credentialDeviceType" text not null, "credentialBackedUp" boolean not null, transports text, primary key ("userId","credentialID"));
insert into "user" values ('u1','Ada','ada@example.com',null,null);
insert into session values ('raw-token-1','u1', (now() at time zone 'utc') + interval '20 days');
insert into account values ('u1','oidc','work','ada');

create table staff (id serial primary key, name text);
create table operation (id serial primary key, kind int not null);
create table instance (host text primary key);
create table migration (id serial primary key, hash text not null, created_at bigint);
create table user_lock (id int); create table revoked_session (id int); create table incident (id int); create table job (name text primary key);
create type session_policy as enum ('strict', 'lax');
create function session_ends_at(timestamp) returns int language sql as 'select 1';
create function now_utc() returns timestamp language sql as $$select now() at time zone 'utc'$$;
create schema drizzle; create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);
insert into staff (name) values ('Grace'); insert into operation (kind) values (7); insert into instance values ('db1');
insert into migration (hash, created_at) values ('x', 9999999999999); insert into drizzle.__drizzle_migrations (hash, created_at) values ('y', 9999999999999);
