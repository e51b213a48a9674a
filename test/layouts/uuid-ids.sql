-- User ids of type uuid, made by the database.
create table "user" (id uuid primary key default gen_random_uuid(), name text, email text unique, "emailVerified" timestamp, image text);
create table account ("userId" uuid not null references "user"(id) on delete cascade, type text not null, provider text not null, "providerAccountId" text not null, refresh_token text, access_token text, expires_at integer, token_type text, scope text, id_token text, session_state text, primary key (provider, "providerAccountId"));
create table session ("sessionToken" text primary key, "userId" uuid not null references "user"(id) on delete cascade, expires timestamp not null);
create table "verificationToken" (identifier text not null, token text not null, expires timestamp not null, primary key (identifier, token));
insert into "user"(name,email) values ('Ada','ada@example.com');
insert into session select 'raw-token-1', id, (now() at time zone 'utc') + interval '20 days' from "user";
