-- Devices told apart: the name that its user gives a device, how the user signed in on it, and where.
--
-- Columns without a default: PostgreSQL rewrites and reads no row. The types limit their length, so that no check has to be verified. No
-- index and no check of tokens has them.

-- Nothing in another schema can take the place of a name in this file.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
--> statement-breakpoint
ALTER TABLE "global_logout"."session" ADD COLUMN "deviceName" varchar(60), ADD COLUMN "signInMethod" varchar(40),
	ADD COLUMN "country" varchar(2), ADD COLUMN "city" varchar(80);
--> statement-breakpoint
ALTER TABLE "global_logout"."revoked_session" ADD COLUMN "device_name" varchar(60);
--> statement-breakpoint

-- The functions that write these columns, each as before with what is new. The name follows its session into the record.

CREATE OR REPLACE FUNCTION global_logout.record_revocations() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	at CONSTANT timestamptz := clock_timestamp();
	-- Once for all rows.
	named CONSTANT global_logout.operation := global_logout.named_operation();
BEGIN
	IF TG_RELID <> 'global_logout.session'::regclass::oid THEN
		RAISE EXCEPTION 'record_revocations() is for global_logout.session alone';
	END IF;
	INSERT INTO global_logout.revoked_session (session_id, session_token, user_id, operation_id, of_many, created_at, last_seen_at, ip_address, user_agent, device_name)
	SELECT e.id, e."sessionToken", e."userId", named.id, named.id IS NOT NULL AND named.user_id IS DISTINCT FROM e."userId",
		e."createdAt", greatest(e."lastSeenAt", e."passiveAt"), e."ipAddress", e."userAgent", e."deviceName"
	FROM ended e CROSS JOIN global_logout.session_policy p
	WHERE at < global_logout.session_ends_at(e.expires, e."createdAt", e."lastSeenAt", e.epoch, p.idle_timeout_seconds, p.max_age_seconds, p.epoch)
	UNION ALL
	SELECT e.id, e."sessionToken", e."userId", i.operation_id, true,
		e."createdAt", greatest(e."lastSeenAt", e."passiveAt"), e."ipAddress", e."userAgent", e."deviceName"
	FROM ended e CROSS JOIN global_logout.session_policy p
	-- Locked, so that an incident that is being finished has counted the row, or does not get it.
	CROSS JOIN LATERAL (SELECT r.operation_id, r.started_at FROM global_logout.incident r
		WHERE r.epoch = e.epoch + 1 AND r.state = 'running' FOR KEY SHARE) i
	WHERE EXISTS (SELECT FROM global_logout.incident r WHERE r.epoch > 0 AND r.state = 'running') AND e.epoch < p.epoch
		AND i.started_at < global_logout.session_ends_at(e.expires, e."createdAt", e."lastSeenAt", e.epoch, p.idle_timeout_seconds, p.max_age_seconds, e.epoch);
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION global_logout.record_ending_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	at CONSTANT timestamptz := clock_timestamp();
	named CONSTANT global_logout.operation := global_logout.named_operation();
BEGIN
	IF TG_RELID <> 'global_logout.session'::regclass::oid THEN
		RAISE EXCEPTION 'record_ending_update() is for global_logout.session alone';
	END IF;
	INSERT INTO global_logout.revoked_session (session_id, session_token, user_id, operation_id, of_many, created_at, last_seen_at, ip_address, user_agent, device_name)
	SELECT old.id, old."sessionToken", old."userId", named.id, named.id IS NOT NULL AND named.user_id IS DISTINCT FROM old."userId",
		old."createdAt", greatest(old."lastSeenAt", old."passiveAt"), old."ipAddress", old."userAgent", old."deviceName"
	FROM global_logout.session_policy p
	WHERE at < global_logout.session_ends_at(old.expires, old."createdAt", old."lastSeenAt", old.epoch, p.idle_timeout_seconds, p.max_age_seconds, p.epoch)
		AND (new."sessionToken" <> old."sessionToken" OR new."userId" <> old."userId"
			OR at >= global_logout.session_ends_at(new.expires, new."createdAt", new."lastSeenAt", new.epoch, p.idle_timeout_seconds, p.max_age_seconds, p.epoch));
	IF NOT FOUND THEN
		INSERT INTO global_logout.session_change (session_token) VALUES (old."sessionToken");
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION global_logout.end_sessions(
	act global_logout.operation, only_id uuid, except_id uuid, most integer,
	OUT operation_id uuid, OUT ended integer, OUT ids uuid[], OUT revoked jsonb
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET work_mem = '64MB' AS $$
#variable_conflict use_variable
BEGIN
	IF act.kind <> 'user.delete' THEN
		PERFORM global_logout.begin_act(act.kind);
	END IF;
	operation_id := gen_random_uuid();
	act.id := operation_id;
	act.revoked_count := -1;
	INSERT INTO global_logout.operation SELECT act.*;
	PERFORM set_config('global_logout.operation_id', operation_id::text, true);
	-- A statement of its own, after that of the lock: its snapshot shows the sign-ins that the lock waited for.
	IF only_id IS NOT NULL THEN
		DELETE FROM global_logout.session s WHERE s."userId" = act.user_id AND s.id = only_id;
	ELSIF except_id IS NOT NULL THEN
		DELETE FROM global_logout.session s WHERE s."userId" = act.user_id AND s.id <> except_id;
	ELSE
		DELETE FROM global_logout.session s WHERE s."userId" = act.user_id;
	END IF;
	PERFORM set_config('global_logout.operation_id', '', true);
	WITH all_ended AS MATERIALIZED (
		SELECT r.id, r.session_id, r.last_seen_at FROM global_logout.revoked_session r
		WHERE r.xid = pg_current_xact_id() AND r.operation_id = operation_id
	), latest AS (
		SELECT a.id FROM all_ended a ORDER BY a.last_seen_at DESC, a.session_id LIMIT most
	)
	SELECT count(*), coalesce(array_agg(a.session_id), '{}'), (
			SELECT coalesce(jsonb_agg(jsonb_build_object('id', r.session_id, 'createdAt', r.created_at, 'lastSeenAt', r.last_seen_at,
				'ipAddress', host(r.ip_address), 'userAgent', r.user_agent, 'deviceName', r.device_name) ORDER BY r.last_seen_at DESC, r.session_id), '[]')
			FROM latest, LATERAL (SELECT * FROM global_logout.revoked_session r WHERE r.xid = pg_current_xact_id() AND r.id = latest.id LIMIT 1) r)
		INTO ended, ids, revoked FROM all_ended a;
	UPDATE global_logout.operation o SET revoked_count = ended WHERE o.id = operation_id;
END $$;
--> statement-breakpoint
-- "profile" has what the application knows of the user and, as "signIn", of this sign-in: "method", "country" and "city". An application
-- that signs in by SQL may give any text: it is cut to what a column holds.
CREATE OR REPLACE FUNCTION global_logout.log_in(
	token_hash text, user_id text, profile jsonb, user_agent text, ip_address inet, replaces text, key_id uuid, for_staff boolean,
	request_id text,
	OUT xid text, OUT session_id uuid, OUT created_at timestamptz, OUT expires_at timestamptz, OUT ends_at timestamptz, OUT acts text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
#variable_conflict use_variable
DECLARE
	policy global_logout.session_policy;
	old global_logout.session;
	made global_logout.session;
	act global_logout.operation;
BEGIN
	PERFORM global_logout.begin_act(token_hash, user_id);
	acts := '[]';
	PERFORM global_logout.mirror_user(user_id, profile);
	IF NOT for_staff AND EXISTS (SELECT FROM global_logout.staff s WHERE s.user_id = user_id) THEN
		RAISE EXCEPTION 'this user is security staff: to sign them in, the login needs the role global_logout_staff_application'
			USING ERRCODE = 'GL002';
	END IF;
	IF replaces IS NOT NULL THEN
		old := global_logout.valid_session(replaces);
		IF old.id IS NOT NULL THEN
			act := global_logout.act_of_user('session.replace', NULL, old, ip_address, user_agent, request_id);
			IF key_id <> '00000000-0000-0000-0000-000000000000' THEN
				act.actor_kind := 'service';
				act.actor_id := key_id;
			END IF;
			SELECT '[' || global_logout.kept_act(act, e.operation_id, e.ids) || ']' INTO acts FROM global_logout.end_sessions(act, old.id, NULL, 0) e;
		END IF;
	END IF;
	xid := pg_current_xact_id()::text;
	SELECT * INTO STRICT policy FROM global_logout.session_policy;
	INSERT INTO global_logout.session ("sessionToken", "userId", expires, "ipAddress", "userAgent", "keyId", "signInMethod", country, city)
		VALUES (token_hash, user_id, (statement_timestamp() + make_interval(secs => policy.max_age_seconds::double precision)) AT TIME ZONE 'utc',
			ip_address, user_agent, key_id, left(profile #>> '{signIn,method}', 40), left(profile #>> '{signIn,country}', 2),
			left(profile #>> '{signIn,city}', 80))
		RETURNING * INTO made;
	session_id := made.id;
	created_at := made."createdAt";
	expires_at := made.expires AT TIME ZONE 'utc';
	ends_at := global_logout.session_ends_at(made.expires, made."createdAt", made."lastSeenAt", made.epoch, policy.idle_timeout_seconds, policy.max_age_seconds, policy.epoch);
END $$;
