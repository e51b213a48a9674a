-- Tables with names in the plural, as many tutorials have them.
create table users (id text primary key, name text, email text unique, "emailVerified" timestamp, image text);
create table accounts ("userId" text not null references users(id) on delete cascade, type text not null, provider text not null, "providerAccountId" text not null, refresh_token text, access_token text, expires_at integer, token_type text, scope text, id_token text, session_state text, primary key (provider, "providerAccountId"));
create table sessions ("sessionToken" text primary key, "userId" text not null references users(id) on delete cascade, expires timestamp not null);
create table verification_tokens (identifier text not null, token text not null, expires timestamp not null, primary key (identifier, token));
insert into users values ('u1','Ada','ada@example.com',null,null);
insert into sessions values ('raw-token-1','u1', (now() at time zone 'utc') + interval '20 days');
