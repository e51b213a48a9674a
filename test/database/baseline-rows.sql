-- A few rows of every table, as the service, an application and staff make them. make-baseline.ts runs this after the migrations.
-- Lifetimes of 63 years keep the sessions valid for as long as this dump is tested.

update session_policy set idle_timeout_seconds = 2000000000, max_age_seconds = 2000000000;

-- The hash of a raw token, as hashToken() makes it.
create function pg_temp.hashed(token text) returns text return
	rtrim(translate(encode(sha256(convert_to(token, 'UTF8')), 'base64'), '+/', '-_'), '=');

insert into "user" (id, name, email, image) values
	('ada', 'Ada Lovelace', 'ada@example.com', null),
	('grace', 'Grace Hopper', 'grace@example.com', 'https://example.com/grace.png'),
	('eve', null, null, null);
-- The application's own table of users.
create table public.users (id text primary key);
insert into user_link (linked) values ('public.users');
insert into taken_over (session_token) values (pg_temp.hashed('grace-desk'));
insert into erased_user (id_hash) values (erased_id_hash('zed'));

insert into session ("sessionToken", "userId", expires, "ipAddress", "userAgent") values
	(pg_temp.hashed('ada-phone'), 'ada', 'infinity', '198.51.100.23', 'Phone'),
	(pg_temp.hashed('ada-laptop'), 'ada', '2080-01-01', '2001:db8::7', 'Laptop'),
	(pg_temp.hashed('ada-expired'), 'ada', '2026-01-01', null, null),
	(pg_temp.hashed('ada-signed-out'), 'ada', 'infinity', null, null),
	(pg_temp.hashed('ada-deleted'), 'ada', 'infinity', null, null),
	(pg_temp.hashed('ada-ended'), 'ada', 'infinity', null, null),
	(pg_temp.hashed('grace-desk'), 'grace', 'infinity', '192.0.2.44', 'Desk'),
	(pg_temp.hashed('eve-phone'), 'eve', 'infinity', null, null);

update session set "deviceName" = 'Ada''s phone', "signInMethod" = 'passkey', country = 'GB', city = 'London' where "sessionToken" = pg_temp.hashed('ada-phone');
update session set "deviceName" = 'Lost tablet' where "sessionToken" = pg_temp.hashed('ada-ended');

-- Keys, one of them revoked; a role; a lock that ends eve's sessions.
insert into service_key (name, key_hash, scopes, last_used_at) values
	('api', pg_temp.hashed('glk_upgraded-upgraded-upgraded-upgraded-upgrade'), '{introspect,events}', now()), ('old', 'x', '{security}', null);
update service_key set revoked_at = now() where name = 'old';
insert into staff (user_id, role) values ('grace', 'security'), ('alan', 'auditor');
insert into user_lock (user_id, until, reason) values ('eve', null, 'stolen'), ('mallory', '2080-01-01', 'fraud');

-- A sign-out by the application, a logout by the service, an external revocation, a change that ends no session.
select from sign_out(pg_temp.hashed('ada-signed-out'));
begin;
insert into operation (id, kind, scope, actor_kind, actor_id, user_id, reason, ip_address, user_agent, request_id, revoked_count, waited_ms)
	values ('00000000-0000-4000-8000-000000000001', 'user.revoke', 'global', 'staff', 'grace', 'ada', 'stolen', '192.0.2.44', 'Desk', 'r-1', 1, 12);
select from set_config('global_logout.operation_id', '00000000-0000-4000-8000-000000000001', true);
delete from session where "sessionToken" = pg_temp.hashed('ada-ended');
commit;
delete from session where "sessionToken" = pg_temp.hashed('ada-deleted');
update session set expires = '2070-01-01' where "sessionToken" = pg_temp.hashed('ada-laptop');

insert into replay (session_id, user_id, operation_id, count, ip_address, user_agent, same_address, same_program)
	select session_id, user_id, operation_id, 3, '203.0.113.9', 'Thief', false, false from revoked_session where operation_id is not null;
update feed_horizon set xid = '3';
insert into instance (id, beat, applied) values ('00000000-0000-4000-8000-000000000002', 7, pg_current_snapshot());

-- An incident that is planned, and one that was executed.
insert into incident (id, reason, selection, actor_kind, actor_id, expires_at, planned_sessions, planned_users, staff_sessions, sample) values
	('00000000-0000-4000-8000-000000000003', 'breach', '{"userAgent": "Phone"}', 'staff', 'grace', '2060-01-01', 1, 1, 0, '[]'),
	('00000000-0000-4000-8000-000000000004', 'breach', '{"userIds": ["eve"]}', 'staff', 'grace', '2060-01-01', 1, 1, 0, '[]');
insert into incident_planned (incident_id, part, session_ids)
	select '00000000-0000-4000-8000-000000000003', 1, array_agg(id) from session where "userAgent" = 'Phone';
insert into incident_runner (incident_id, runner, until)
	values ('00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000005', '2026-01-01Z');
begin;
select from set_config('global_logout.operation_id', '00000000-0000-4000-8000-000000000006', true);
insert into operation (id, kind, actor_kind, actor_id, reason, revoked_count, selection, result) values
	('00000000-0000-4000-8000-000000000006', 'incident.execute', 'staff', 'grace', 'breach', 1, '{"userIds": ["eve"]}',
		'{"planId": "00000000-0000-4000-8000-000000000004"}'),
	('00000000-0000-4000-8000-000000000007', 'incident.finish', 'system', null, 'breach', 0, null,
		'{"planId": "00000000-0000-4000-8000-000000000004", "operationId": "00000000-0000-4000-8000-000000000006"}');
delete from session where "userId" = 'eve';
update incident set state = 'done', operation_id = '00000000-0000-4000-8000-000000000006', started_at = now(), finished_at = now(), ended = 1,
	outcome = '{"endedPlanned": 1, "endedLater": 0, "goneMeanwhile": 0, "users": 1, "staffSessions": 0, "waitedMs": 0, "stillOpen": {"writing": 0, "reading": 0}}'
	where id = '00000000-0000-4000-8000-000000000004';
commit;

select seal_operations(100);
