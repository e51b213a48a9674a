-- Numbers as user ids, and names in snake case, with Drizzle.
create table app_user (id serial primary key, display_name text, email_address text not null unique, email_verified timestamptz, avatar text);
create table app_session (session_token text primary key, user_id integer not null references app_user(id) on delete cascade, expires_at timestamptz not null);
create index on app_session (user_id);
insert into app_user (display_name, email_address) values ('Ada','ada@example.com');
insert into app_session values ('raw-token-1', 1, now() + interval '20 days');
