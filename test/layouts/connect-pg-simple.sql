-- express-session with connect-pg-simple: sessions without a column for the user.
create table session (sid varchar not null collate "default" primary key not deferrable initially immediate, sess json not null, expire timestamp(6) not null);
create index "IDX_session_expire" on session (expire);
create table users (id bigint generated always as identity primary key, email text not null unique);
insert into users (email) values ('ada@example.com');
insert into session values ('raw-token-1', '{"cookie":{},"passport":{"user":1}}', now() + interval '20 days');
