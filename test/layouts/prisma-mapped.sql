-- The same models with @@map: lower-case names, an id beside the token, timestamp(3).
create table "user" (id text not null primary key, name text, email text not null unique, "emailVerified" timestamp(3), image text, "createdAt" timestamp(3) not null default current_timestamp, "updatedAt" timestamp(3) not null);
create table account (id text primary key, "userId" text not null references "user"(id) on delete cascade on update cascade, type text not null, provider text not null, "providerAccountId" text not null, refresh_token text, access_token text, expires_at integer, token_type text, scope text, id_token text, session_state text, unique (provider,"providerAccountId"));
create table session (id text not null primary key, "sessionToken" text not null unique, "userId" text not null references "user"(id) on delete cascade on update cascade, expires timestamp(3) not null);
create table "verificationToken" (identifier text not null, token text not null, expires timestamp(3) not null, unique(identifier, token));
insert into "user" values ('clx1','Ada','ada@example.com',null,null,now(),now());
insert into session values ('cs1','raw-token-1','clx1', (now() at time zone 'utc') + interval '20 days');
