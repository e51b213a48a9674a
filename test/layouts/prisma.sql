-- The models of @auth/prisma-adapter, as prisma migrate writes them.
create table "User" (id text not null, name text, email text not null, "emailVerified" timestamp(3), image text, "createdAt" timestamp(3) not null default current_timestamp, "updatedAt" timestamp(3) not null, constraint "User_pkey" primary key (id));
create table "Account" (id text not null, "userId" text not null, type text not null, provider text not null, "providerAccountId" text not null, refresh_token text, access_token text, expires_at integer, token_type text, scope text, id_token text, session_state text, constraint "Account_pkey" primary key (id));
create table "Session" (id text not null, "sessionToken" text not null, "userId" text not null, expires timestamp(3) not null, constraint "Session_pkey" primary key (id));
create table "VerificationToken" (identifier text not null, token text not null, expires timestamp(3) not null);
create unique index "User_email_key" on "User"(email);
create unique index "Account_provider_providerAccountId_key" on "Account"(provider,"providerAccountId");
create unique index "Session_sessionToken_key" on "Session"("sessionToken");
create unique index "VerificationToken_identifier_token_key" on "VerificationToken"(identifier, token);
alter table "Account" add constraint "Account_userId_fkey" foreign key ("userId") references "User"(id) on delete cascade on update cascade;
alter table "Session" add constraint "Session_userId_fkey" foreign key ("userId") references "User"(id) on delete cascade on update cascade;
insert into "User" values ('clx1','Ada','ada@example.com',null,null,now(),now());
insert into "Session" values ('cs1','raw-token-1','clx1', (now() at time zone 'utc') + interval '20 days');
