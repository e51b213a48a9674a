SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE SCHEMA global_logout;

CREATE FUNCTION global_logout.acknowledge_revocations(instance_id uuid, snapshot pg_snapshot, digests uuid[], beats boolean) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
BEGIN
	IF beats THEN
		PERFORM global_logout.begin_act(instance_id::text);
	ELSE
		PERFORM set_config('synchronous_commit', 'off', true);
	END IF;
	IF cardinality(digests) > 32 THEN
		RAISE EXCEPTION 'an instance lists at most 32 notices' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	UPDATE global_logout.instance i SET beat = i.beat + beats::integer, applied = snapshot, notices = digests
		WHERE i.id = instance_id AND pg_snapshot_xmin(snapshot) >= pg_snapshot_xmin(i.applied);
	RETURN FOUND;
END $$;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE global_logout.operation (
    id uuid NOT NULL,
    kind text NOT NULL,
    scope text,
    actor_kind text NOT NULL,
    actor_id text,
    actor_session_id uuid,
    user_id text,
    reason text,
    ip_address inet,
    user_agent text,
    request_id text,
    at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_count integer NOT NULL,
    selection jsonb,
    result jsonb,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    waited_ms integer,
    erased_by uuid,
    CONSTRAINT operation_dates CHECK (((at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (at < '9999-12-31 00:00:00+00'::timestamp with time zone)))
);

CREATE TABLE global_logout.session (
    "sessionToken" text NOT NULL,
    "userId" text NOT NULL,
    expires timestamp without time zone NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    "createdAt" timestamp with time zone DEFAULT now() NOT NULL,
    "lastSeenAt" timestamp with time zone DEFAULT now() NOT NULL,
    "passiveAt" timestamp with time zone,
    "ipAddress" inet,
    "userAgent" text,
    "keyId" uuid,
    epoch integer DEFAULT 0 NOT NULL,
    "deviceName" character varying(60),
    "signInMethod" character varying(40),
    country character varying(2),
    city character varying(80),
    CONSTRAINT session_dates CHECK ((("createdAt" >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND ("createdAt" < '9999-12-31 00:00:00+00'::timestamp with time zone) AND ("lastSeenAt" >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND ("lastSeenAt" < '9999-12-31 00:00:00+00'::timestamp with time zone) AND ("passiveAt" >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND ("passiveAt" < '9999-12-31 00:00:00+00'::timestamp with time zone)))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.02', autovacuum_analyze_scale_factor='0.02');

CREATE FUNCTION global_logout.act_of_user(kind text, scope text, asker global_logout.session, ip_address inet, user_agent text, request_id text) RETURNS global_logout.operation
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
	SELECT jsonb_populate_record(NULL::global_logout.operation, jsonb_build_object('kind', kind, 'scope', scope, 'actor_kind', 'user',
		'actor_id', asker."userId", 'actor_session_id', asker.id, 'user_id', asker."userId", 'ip_address', ip_address,
		'user_agent', user_agent, 'request_id', request_id))
$$;

CREATE FUNCTION global_logout.admit_session() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
DECLARE
	locked global_logout.user_lock;
	latest timestamptz;
BEGIN
	IF TG_RELID <> 'global_logout.session'::regclass::oid THEN
		RAISE EXCEPTION 'admit_session() is for global_logout.session alone';
	END IF;
	latest := greatest(new."createdAt", new."lastSeenAt");
	IF TG_OP = 'INSERT' AND latest > clock_timestamp() + make_interval(mins => 1) THEN
		RAISE EXCEPTION '"%" of "%" lies in the future', CASE latest WHEN new."createdAt" THEN 'createdAt' ELSE 'lastSeenAt' END, TG_TABLE_NAME
			USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
				COLUMN = CASE latest WHEN new."createdAt" THEN 'createdAt' ELSE 'lastSeenAt' END,
				DETAIL = format('It is %s, and now is %s.', to_jsonb(latest) #>> '{}', to_jsonb(clock_timestamp()) #>> '{}'),
				HINT = 'At most a minute is allowed. Leave the column to its default, or compare the clocks.';
	END IF;
	-- Whatever the writer says, a session has the epoch in which it began. A sign-in under way when an epoch ends commits with that one.
	new.epoch := CASE TG_OP WHEN 'INSERT' THEN coalesce((SELECT p.epoch FROM global_logout.session_policy p), 0) ELSE old.epoch END;
	PERFORM FROM global_logout."user" WHERE id = new."userId" FOR KEY SHARE;
	IF NOT FOUND THEN
		INSERT INTO global_logout."user" (id) VALUES (new."userId") ON CONFLICT (id) DO NOTHING;
		PERFORM FROM global_logout."user" WHERE id = new."userId" FOR KEY SHARE;
	END IF;
	SELECT * INTO locked FROM global_logout.user_lock WHERE user_id = new."userId" AND coalesce(until > clock_timestamp(), true);
	IF FOUND THEN
		RAISE EXCEPTION 'sign-in of this user is locked %',
			coalesce('until ' || to_char(locked.until AT TIME ZONE 'utc', 'YYYY-MM-DD HH24:MI:SS') || 'Z', 'until staff lift the lock')
			USING ERRCODE = 'GL001', HINT = 'global-logout keeps this lock; its staff can lift it.';
	END IF;
	RETURN new;
END $$;

CREATE FUNCTION global_logout.announce_lock() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
BEGIN
	IF TG_RELID <> 'global_logout.user_lock'::regclass::oid THEN
		RAISE EXCEPTION 'announce_lock() is for global_logout.user_lock alone';
	END IF;
	PERFORM FROM global_logout."user" WHERE id OPERATOR(pg_catalog.=) new.user_id FOR UPDATE;
	IF NOT FOUND THEN
		LOCK TABLE global_logout."user" IN SHARE ROW EXCLUSIVE MODE;
		PERFORM FROM global_logout."user" WHERE id OPERATOR(pg_catalog.=) new.user_id FOR UPDATE;
	END IF;
	UPDATE global_logout."user" SET id = id WHERE id OPERATOR(pg_catalog.=) new.user_id;
	RETURN new;
END $$;

CREATE FUNCTION global_logout.begin_act(VARIADIC required text[] DEFAULT '{}'::text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
	IF '' = ANY (required) OR array_position(required, NULL) IS NOT NULL THEN
		RAISE EXCEPTION 'token_hash, user_id and scope must not be empty' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF pg_is_in_recovery() THEN
		RAISE EXCEPTION 'this server is a standby, which may lag behind' USING ERRCODE = 'read_only_sql_transaction';
	END IF;
	IF current_setting('session_replication_role') = 'replica' THEN
		RAISE EXCEPTION 'session_replication_role is replica: ended sessions would leave no record' USING ERRCODE = 'read_only_sql_transaction';
	END IF;
	IF required <> '{}' AND current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
		RAISE EXCEPTION 'the transaction is %, and would miss sessions that were committed since it began', upper(current_setting('transaction_isolation'))
			USING ERRCODE = 'GL003', HINT = 'Call the function in a transaction of its own: BEGIN ISOLATION LEVEL READ COMMITTED.';
	END IF;
	IF current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN
		PERFORM set_config('synchronous_commit', 'on', true);
	END IF;
END $$;

CREATE FUNCTION global_logout.begin_epoch() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
BEGIN
	IF TG_RELID <> 'global_logout.incident'::regclass::oid THEN
		RAISE EXCEPTION 'begin_epoch() is for global_logout.incident alone';
	END IF;
	new.epoch := CASE TG_OP WHEN 'UPDATE' THEN old.epoch END;
	IF new.state = 'running' AND new.selection = '{"everyone": true}' AND (TG_OP = 'INSERT' OR old.state = 'planned') THEN
		UPDATE global_logout.session_policy SET epoch = epoch + 1 RETURNING epoch INTO STRICT new.epoch;
	END IF;
	RETURN new;
END $$;

CREATE FUNCTION global_logout.session_ends_at(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, session_epoch integer, idle_timeout_seconds integer, max_age_seconds integer, policy_epoch integer) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN (session_epoch < policy_epoch) THEN '-infinity'::timestamp with time zone ELSE timestamptz_smaller((expires AT TIME ZONE 'utc'::text), timestamptz_smaller((created_at + make_interval(secs => (max_age_seconds)::double precision)), (last_seen_at + make_interval(secs => (idle_timeout_seconds)::double precision)))) END;

CREATE TABLE global_logout.session_policy (
    singleton boolean DEFAULT true NOT NULL,
    idle_timeout_seconds integer NOT NULL,
    max_age_seconds integer NOT NULL,
    epoch integer DEFAULT 0 NOT NULL,
    CONSTRAINT session_policy_singleton CHECK (singleton)
);

CREATE FUNCTION global_logout.check_tokens(token_hashes text[]) RETURNS TABLE("position" integer, user_id text, session_id uuid, created_at double precision, ends_at double precision, age double precision, stale boolean, unseen boolean)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT (requested."position")::integer AS "position",
     s."userId",
     s.id,
     (EXTRACT(epoch FROM s."createdAt"))::double precision AS "extract",
     (EXTRACT(epoch FROM lasts.until))::double precision AS "extract",
     (EXTRACT(epoch FROM (statement_timestamp() - s."createdAt")))::double precision AS "extract",
     (s."lastSeenAt" < lasts.due_before),
     (GREATEST(s."lastSeenAt", s."passiveAt") < lasts.due_before)
    FROM global_logout.session_policy p,
     (unnest(check_tokens.token_hashes) WITH ORDINALITY requested(token, "position")
      JOIN global_logout.session s ON ((s."sessionToken" = requested.token))),
     LATERAL ( SELECT global_logout.session_ends_at(s.expires, s."createdAt", s."lastSeenAt", s.epoch, p.idle_timeout_seconds, p.max_age_seconds, p.epoch) AS until,
             (statement_timestamp() - make_interval(secs => LEAST((60)::double precision, ((p.idle_timeout_seconds)::double precision / (4)::double precision)))) AS due_before) lasts
   WHERE (statement_timestamp() < lasts.until);
END;

CREATE FUNCTION global_logout.check_tokens_pooled(token_hashes text[]) RETURNS TABLE("position" integer, user_id text, session_id uuid, created_at double precision, ends_at double precision, age double precision, stale boolean, unseen boolean)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
BEGIN
	IF pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on' OR current_setting('session_replication_role') = 'replica' THEN
		RAISE EXCEPTION 'this server is a standby, read-only, or skips triggers' USING ERRCODE = 'read_only_sql_transaction';
	END IF;
	RETURN QUERY SELECT * FROM global_logout.check_tokens(token_hashes);
END $$;

CREATE FUNCTION global_logout.delete_addresses(retention_seconds bigint, most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
DECLARE
	before CONSTANT timestamptz := date_trunc('day', now() - make_interval(secs => retention_seconds::double precision), 'UTC');
	began timestamptz;
	until timestamptz;
	deleted integer := 0;
	n integer;
BEGIN
	IF retention_seconds < 86400 THEN
		RAISE EXCEPTION 'addresses are kept for a day at least';
	END IF;
	SELECT j.done_until INTO began FROM global_logout.job j WHERE j.name = 'addresses' FOR UPDATE;
	WHILE began < before AND deleted = 0 LOOP
		until := least(began + interval '1 hour', before);
		WITH due AS MATERIALIZED (
			SELECT o.id, l.seq, decode((global_logout.operation_parts(o, l))[4], 'hex') AS origin
			FROM global_logout.operation o JOIN global_logout.audit_link l ON l.operation_id = o.id AND l.origin_salt IS NOT NULL
			WHERE o.at >= began AND o.at < until AND num_nonnulls(o.ip_address, o.user_agent, o.request_id) > 0
			ORDER BY o.at, o.id LIMIT most
		), links AS (
			UPDATE global_logout.audit_link l SET origin_hash = due.origin, origin_salt = NULL FROM due WHERE l.seq = due.seq
		)
		UPDATE global_logout.operation o SET ip_address = NULL, user_agent = NULL, request_id = NULL FROM due WHERE o.id = due.id;
		GET DIAGNOSTICS n = ROW_COUNT;
		IF n > 0 AND NOT EXISTS (SELECT FROM global_logout.operation o
			WHERE o.kind = 'addresses.delete' AND o.at >= before AND (o.result ->> 'before')::timestamptz >= before) THEN
			INSERT INTO global_logout.operation (id, kind, actor_kind, actor_id, revoked_count, result)
				VALUES (gen_random_uuid(), 'addresses.delete', 'system', 'settings', 0, jsonb_build_object('before', global_logout.until_text(before)));
		END IF;
		deleted := n;
		UPDATE global_logout.revoked_session r SET ip_address = NULL, user_agent = NULL WHERE r.ctid = ANY (ARRAY(
			SELECT due.ctid FROM global_logout.revoked_session due WHERE due.revoked_at >= began AND due.revoked_at < until
				AND num_nonnulls(due.ip_address, due.user_agent) > 0 LIMIT most));
		GET DIAGNOSTICS n = ROW_COUNT;
		deleted := deleted + n;
		UPDATE global_logout.replay r SET ip_address = NULL, user_agent = NULL WHERE r.ctid = ANY (ARRAY(
			SELECT due.ctid FROM global_logout.replay due WHERE due.at >= began AND due.at < until
				AND num_nonnulls(due.ip_address, due.user_agent) > 0 LIMIT most));
		GET DIAGNOSTICS n = ROW_COUNT;
		deleted := deleted + n;
		UPDATE global_logout.incident i SET sample = '[]', breakdown = NULL
			WHERE i.planned_at >= began AND i.planned_at < until AND (i.sample <> '[]' OR i.breakdown IS NOT NULL);
		GET DIAGNOSTICS n = ROW_COUNT;
		deleted := deleted + n;
		IF deleted = 0 THEN
			began := until;
		END IF;
	END LOOP;
	UPDATE global_logout.job j SET done_until = began WHERE j.name = 'addresses' AND j.done_until <> began;
	RETURN deleted;
END $$;

CREATE FUNCTION global_logout.delete_before_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
BEGIN
	IF TG_RELID <> 'global_logout.session'::regclass::oid THEN
		RAISE EXCEPTION 'delete_before_truncate() is for global_logout.session alone';
	END IF;
	DELETE FROM global_logout.session;
	RETURN NULL;
END $$;

CREATE FUNCTION global_logout.delete_user(user_id text, OUT xid text, OUT ended integer) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
#variable_conflict use_variable
BEGIN
	PERFORM global_logout.begin_act(user_id);
	SELECT r.xid, r.ended INTO xid, ended FROM global_logout.remove_user(user_id, 'database', session_user::text) r;
	-- Under the lock of the user, and undone by the error.
	PERFORM global_logout.refuse_staff(user_id);
END $$;

CREATE FUNCTION global_logout.end_sessions(act global_logout.operation, only_id uuid, except_id uuid, most integer, OUT operation_id uuid, OUT ended integer, OUT ids uuid[], OUT revoked jsonb) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET work_mem TO '64MB'
    AS $$
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

CREATE FUNCTION global_logout.erase_user(user_id text, act jsonb, OUT xid text, OUT outcome text, OUT operation_id uuid, OUT ids uuid[], OUT erased jsonb) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $_$
#variable_conflict use_variable
DECLARE
	what global_logout.operation := jsonb_populate_record(NULL::global_logout.operation, act);
	is_new boolean;
	email text;
	pseudonym text;
	entries integer;
	revocations integer;
	replays integer;
	incidents integer;
	locks integer;
	keeps_lock boolean;
BEGIN
	PERFORM global_logout.begin_act(user_id, what.reason);
	IF EXISTS (SELECT FROM global_logout.staff s WHERE s.user_id = user_id) THEN
		outcome := 'staff';
		RETURN;
	END IF;
	is_new := global_logout.mirror_user(user_id, '{}');
	SELECT u.email INTO email FROM global_logout."user" u WHERE u.id = user_id FOR UPDATE;
	-- Of an incident that is executed or finished meanwhile, the operation is there before the next statement, or names this user no more.
	PERFORM FROM global_logout.incident i WHERE global_logout.names_user(i, user_id, email) ORDER BY i.id FOR NO KEY UPDATE;
	PERFORM FROM global_logout.audit_head FOR UPDATE;
	WHILE global_logout.seal_operations(10000) = 10000 LOOP
		NULL;
	END LOOP;

	operation_id := gen_random_uuid();
	pseudonym := 'erased:' || operation_id;
	what.id := operation_id;
	what.kind := 'user.erase';
	what.user_id := NULL;
	what.revoked_count := -1;
	INSERT INTO global_logout.operation SELECT what.*;
	PERFORM set_config('global_logout.operation_id', operation_id::text, true);
	DELETE FROM global_logout.session s WHERE s."userId" = user_id;
	PERFORM set_config('global_logout.operation_id', '', true);
	SELECT coalesce(array_agg(r.session_id), '{}') INTO ids FROM global_logout.revoked_session r
		WHERE r.xid = pg_current_xact_id() AND r.operation_id = operation_id;

	WITH named AS (
		SELECT o.id FROM global_logout.operation o WHERE o.user_id = user_id
		UNION SELECT o.id FROM global_logout.operation o WHERE o.actor_id = user_id AND o.actor_kind = 'user'
		UNION SELECT o.id FROM global_logout.operation o WHERE o.kind IN ('incident.plan', 'incident.execute', 'incident.finish')
			AND global_logout.names_user(o.selection, user_id, email)
	), concerned AS MATERIALIZED (
		SELECT o.id, l.seq, global_logout.operation_parts(o, l) AS parts, num_nulls(l.origin_salt, l.origin_hash) < 2 AS is_salted,
			o.user_id IS NOT DISTINCT FROM user_id OR o.actor_kind = 'user' AS is_about,
			-- Also where an application did it for the user: address and program are the user's.
			o.actor_kind = 'user' OR (o.user_id IS NOT DISTINCT FROM user_id AND o.kind IN ('logout', 'session.end', 'session.replace')) AS is_own,
			global_logout.names_user(o.selection, user_id, email) AS is_selected
		FROM named JOIN global_logout.operation o USING (id) JOIN global_logout.audit_link l ON l.operation_id = o.id
	), links AS (
		UPDATE global_logout.audit_link l SET
			subject_hash = CASE WHEN c.is_about THEN decode(c.parts[1], 'hex') ELSE l.subject_hash END,
			subject_salt = CASE WHEN NOT c.is_about THEN l.subject_salt END,
			selection_hash = CASE WHEN c.is_selected THEN decode(c.parts[2], 'hex') ELSE l.selection_hash END,
			selection_salt = CASE WHEN NOT c.is_selected THEN l.selection_salt END,
			actor_hash = CASE WHEN c.is_own THEN decode(c.parts[3], 'hex') ELSE l.actor_hash END,
			actor_salt = CASE WHEN NOT c.is_own THEN l.actor_salt END,
			origin_hash = CASE WHEN c.is_own THEN decode(c.parts[4], 'hex') ELSE l.origin_hash END,
			origin_salt = CASE WHEN NOT c.is_own THEN l.origin_salt END
		FROM concerned c WHERE l.seq = c.seq AND c.is_salted
	), emptied AS (
		UPDATE global_logout.operation o SET erased_by = operation_id,
			user_id = CASE WHEN NOT c.is_about THEN o.user_id END, reason = CASE WHEN NOT c.is_about THEN o.reason END,
			selection = CASE WHEN NOT c.is_selected THEN o.selection END,
			actor_id = CASE WHEN NOT c.is_own THEN o.actor_id END,
			actor_session_id = CASE WHEN NOT c.is_own THEN o.actor_session_id END,
			ip_address = CASE WHEN NOT c.is_own THEN o.ip_address END, user_agent = CASE WHEN NOT c.is_own THEN o.user_agent END,
			request_id = CASE WHEN NOT c.is_own THEN o.request_id END
		FROM concerned c WHERE o.id = c.id RETURNING o.id
	)
	SELECT count(*) INTO entries FROM emptied;

	UPDATE global_logout.revoked_session r SET user_id = pseudonym, of_many = r.operation_id IS NOT NULL, ip_address = NULL, user_agent = NULL,
			device_name = NULL
		WHERE r.user_id = user_id;
	GET DIAGNOSTICS revocations = ROW_COUNT;
	UPDATE global_logout.replay r SET user_id = pseudonym, ip_address = NULL, user_agent = NULL WHERE r.user_id = user_id;
	GET DIAGNOSTICS replays = ROW_COUNT;
	-- A list stays, if empty: without it, more sessions would match. The break-down may show the user's addresses and programs.
	UPDATE global_logout.incident i SET breakdown = NULL, user_ids = array_remove(i.user_ids, user_id),
			emails = CASE WHEN i.emails IS NOT NULL
				THEN ARRAY(SELECT named FROM unnest(i.emails) named WHERE lower(named) IS DISTINCT FROM lower(email)) END,
			selection = global_logout.without_user(i.selection, user_id, email),
			sample = jsonb_path_query_array(i.sample, '$[*] ? (@.userId != $id)', jsonb_build_object('id', user_id))
		WHERE global_logout.names_user(i, user_id, email);
	GET DIAGNOSTICS incidents = ROW_COUNT;
	DELETE FROM global_logout.user_lock l WHERE l.user_id = user_id AND l.until <= clock_timestamp();
	GET DIAGNOSTICS locks = ROW_COUNT;
	UPDATE global_logout.user_lock l SET reason = 'kept when the user was erased' WHERE l.user_id = user_id;
	keeps_lock := FOUND;
	DELETE FROM global_logout."user" u WHERE u.id = user_id;

	IF is_new AND entries + revocations + replays + incidents + locks = 0 THEN
		DELETE FROM global_logout.operation o WHERE o.id = operation_id;
		operation_id := NULL;
		outcome := CASE WHEN EXISTS (SELECT FROM global_logout.erased_user e WHERE e.id_hash = global_logout.erased_id_hash(user_id))
			THEN 'repeated' ELSE 'not_found' END;
		RETURN;
	END IF;
	INSERT INTO global_logout.erased_user (id_hash) VALUES (global_logout.erased_id_hash(user_id))
		ON CONFLICT (id_hash) DO UPDATE SET at = excluded.at;
	erased := jsonb_build_object('entries', entries, 'revocations', revocations, 'replays', replays, 'incidents', incidents, 'lockKept', keeps_lock);
	UPDATE global_logout.operation o SET revoked_count = cardinality(ids),
		result = erased || jsonb_build_object('digest', global_logout.erasure_digest(operation_id)) WHERE o.id = operation_id;
	xid := pg_current_xact_id()::text;
	outcome := 'done';
END $_$;

CREATE FUNCTION global_logout.erased_id_hash(user_id text) RETURNS bytea
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
	SELECT sha256(convert_to('global-logout erased ' || user_id, 'UTF8'))
$$;

CREATE FUNCTION global_logout.erasure_digest(erasure uuid) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
	SELECT encode(sha256(convert_to(string_agg(jsonb_build_array(l.seq, l.subject_salt IS NULL, l.selection_salt IS NULL, l.actor_salt IS NULL,
		CASE WHEN num_nulls(l.origin_salt, l.origin_hash) = 2 THEN encode(global_logout.operation_digest(o), 'hex') END)::text, ',' ORDER BY l.seq), 'UTF8')), 'hex')
	FROM global_logout.operation o JOIN global_logout.audit_link l ON l.operation_id = o.id WHERE o.erased_by = erasure
$$;

CREATE FUNCTION global_logout.follow_users() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $_$
#variable_conflict use_variable
DECLARE
	read_columns text;
	before text[];
	after text[];
	mirrored text;
BEGIN
	IF NOT EXISTS (SELECT FROM global_logout.user_link l WHERE l.linked = TG_RELID) THEN
		RAISE EXCEPTION 'follow_users() is for linked tables alone';
	END IF;
	IF TG_OP = 'TRUNCATE' THEN
		FOR mirrored IN SELECT u.id FROM global_logout."user" u ORDER BY u.id LOOP
			PERFORM global_logout.remove_user(mirrored, 'database', session_user::text);
		END LOOP;
		RETURN NULL;
	END IF;
	SELECT 'SELECT ARRAY[' || string_agg(format('($1).%I::text', a.attname), ', ' ORDER BY listed.place) || ']' INTO read_columns
		FROM pg_trigger t, unnest(t.tgattr) WITH ORDINALITY AS listed (number, place), pg_attribute a
		WHERE t.tgrelid = TG_RELID AND t.tgfoid = 'global_logout.follow_users()'::regprocedure
			AND a.attrelid = t.tgrelid AND a.attnum = listed.number;
	IF read_columns IS NULL THEN
		RAISE EXCEPTION 'the trigger that lists the columns of % is gone', TG_RELID::regclass
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Run "global-logout users unlink", then "users link" again.';
	END IF;
	EXECUTE read_columns INTO before USING old;
	IF TG_OP = 'DELETE' THEN
		PERFORM global_logout.remove_user(before[1], 'database', session_user::text);
		RETURN NULL;
	END IF;
	EXECUTE read_columns INTO after USING new;
	IF after[1] IS DISTINCT FROM before[1] THEN
		-- As refuse_renaming() has it for the mirror.
		IF EXISTS (SELECT FROM global_logout.user_lock l WHERE l.user_id = before[1] AND coalesce(l.until > clock_timestamp(), true))
			OR EXISTS (SELECT FROM global_logout.staff s WHERE s.user_id = before[1]) THEN
			RAISE EXCEPTION 'this user has a lock or a role, which is kept by id: the id stays'
				USING ERRCODE = 'restrict_violation', HINT = 'Lift the lock or take the role away first, with global-logout.';
		END IF;
		PERFORM global_logout.remove_user(before[1], 'database', session_user::text);
		RETURN NULL;
	END IF;
	UPDATE global_logout."user" u SET
		email = CASE WHEN 'email' = ANY (TG_ARGV) THEN after[array_position(TG_ARGV, 'email') + 1] ELSE u.email END,
		name = CASE WHEN 'name' = ANY (TG_ARGV) THEN after[array_position(TG_ARGV, 'name') + 1] ELSE u.name END
		WHERE u.id = after[1];
	RETURN NULL;
END $_$;

CREATE FUNCTION global_logout.grant_roles() RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
	known CONSTANT text[] := ARRAY(SELECT rolname::text FROM pg_roles
		WHERE rolname IN ('global_logout_service', 'global_logout_checker', 'global_logout_application', 'global_logout_staff_application'));
	member text;
BEGIN
	FOREACH member IN ARRAY known LOOP
		EXECUTE format('REVOKE ALL ON global_logout."user", global_logout.user_link, global_logout.session, global_logout.session_policy,
			global_logout.session_change, global_logout.instance, global_logout.revoked_session, global_logout.replay, global_logout.feed_horizon, global_logout.user_lock, global_logout.taken_over,
			global_logout.staff, global_logout.service_key, global_logout.operation, global_logout.audit_link, global_logout.audit_head, global_logout.incident,
			global_logout.incident_planned, global_logout.incident_runner, global_logout.job, global_logout.erased_user FROM %I', member);
		EXECUTE format('GRANT USAGE ON SCHEMA global_logout TO %I', member);
		-- An application has functions of its own, and no right on a table.
		IF member IN ('global_logout_application', 'global_logout_staff_application') THEN
			EXECUTE format('GRANT EXECUTE ON FUNCTION global_logout.sign_in(text, text, jsonb, text, inet, text), global_logout.use_session(text, boolean),
				global_logout.sign_out(text, text, text, inet, text), global_logout.delete_user(text), global_logout.lagging_instances(text[]),
				global_logout.take_over(text, text, timestamptz, jsonb, text, inet), global_logout.join_instances(uuid), global_logout.leave_instances(uuid),
				global_logout.acknowledge_revocations(uuid, pg_snapshot, uuid[], boolean), global_logout.read_revocations(uuid, pg_snapshot),
				global_logout.read_sessions(text[]), global_logout.record_uses(uuid[], boolean) TO %I', member);
			CONTINUE;
		END IF;
		EXECUTE format('GRANT EXECUTE ON FUNCTION global_logout.session_ends_at(timestamp, timestamptz, timestamptz, integer, integer, integer, integer),
			global_logout.session_state(timestamp, timestamptz, timestamptz, integer, integer, integer, integer, timestamptz),
			global_logout.check_tokens(text[]), global_logout.check_tokens_pooled(text[]) TO %I', member);
		EXECUTE format('GRANT SELECT ON global_logout.session_policy TO %I', member);
	END LOOP;
	IF 'global_logout_service' = ANY (known) THEN
		GRANT SELECT, INSERT, UPDATE (name, email, image) ON global_logout."user" TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE ("lastSeenAt", "passiveAt", "deviceName"), DELETE ON global_logout.session TO global_logout_service;
		GRANT UPDATE (idle_timeout_seconds, max_age_seconds) ON global_logout.session_policy TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE (beat, applied, notices), DELETE ON global_logout.instance TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE (until, reason, locked_at), DELETE ON global_logout.user_lock TO global_logout_service;
		GRANT SELECT, DELETE ON global_logout.session_change TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE (last_used_at, revoked_at) ON global_logout.service_key TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE (state, operation_id, started_at, ended, finished_at, outcome, locked, needs_approval, approver_kind,
			approver_id, approved_at, emails, breakdown) ON global_logout.incident TO global_logout_service;
		GRANT SELECT, INSERT, DELETE ON global_logout.incident_planned TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE, DELETE ON global_logout.incident_runner TO global_logout_service;
		GRANT SELECT, UPDATE (page, done_until) ON global_logout.job TO global_logout_service;
		GRANT SELECT, INSERT (session_id, user_id, operation_id, count, ip_address, user_agent, same_address, same_program)
			ON global_logout.replay TO global_logout_service;
		GRANT UPDATE (acknowledged_by) ON global_logout.replay TO global_logout_service;
		GRANT USAGE ON SEQUENCE global_logout.revoked_session_id_seq TO global_logout_service;
		-- Append-only: the service adds to the record, and neither changes nor removes anything in it.
		GRANT SELECT, INSERT, UPDATE (waited_ms) ON global_logout.operation TO global_logout_service;
		GRANT SELECT ON global_logout.revoked_session, global_logout.audit_link, global_logout.audit_head, global_logout.feed_horizon, global_logout.staff TO global_logout_service;
		GRANT EXECUTE ON FUNCTION global_logout.read_tokens(text[]), global_logout.seal_operations(integer), global_logout.operation_digest(global_logout.operation), global_logout.prune_feed(bigint, integer),
			global_logout.restored_elsewhere(), global_logout.settle_restored(), global_logout.remove_user(text, text, text, text),
			global_logout.redo_operation(jsonb, uuid[], boolean),
			global_logout.log_in(text, text, jsonb, text, inet, text, uuid, boolean, text), global_logout.log_out(text, text, uuid, text[], text, inet, text, integer, boolean),
			global_logout.end_sessions(global_logout.operation, uuid, uuid, integer), global_logout.revoke_user(jsonb, boolean, integer, boolean, integer, boolean),
			global_logout.revoke_sessions(jsonb, uuid[], integer),
			global_logout.take_over(text, text, timestamptz, jsonb, text, inet, uuid),
			global_logout.take_over(text, text, timestamptz, jsonb, text, inet), global_logout.may_act_on_staff() TO global_logout_service;
		GRANT EXECUTE ON FUNCTION global_logout.operation_parts(global_logout.operation, global_logout.audit_link),
			global_logout.operation_digest(global_logout.operation, global_logout.audit_link), global_logout.erasure_digest(uuid),
			global_logout.erase_user(text, jsonb), global_logout.delete_addresses(bigint, integer) TO global_logout_service;
		GRANT SELECT ON global_logout.migration TO global_logout_service;
	END IF;
	IF 'global_logout_checker' = ANY (known) THEN
		GRANT SELECT ("sessionToken", "userId", expires, id, "createdAt", "lastSeenAt", "passiveAt", epoch) ON global_logout.session TO global_logout_checker;
	END IF;
	IF 'global_logout_staff_application' = ANY (known) THEN
		GRANT EXECUTE ON FUNCTION global_logout.may_act_on_staff() TO global_logout_staff_application;
	END IF;
	RETURN cardinality(known) = 4;
END $$;

CREATE FUNCTION global_logout.index_users() RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
	trigrams CONSTANT name := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm');
BEGIN
	IF to_regclass('global_logout.user_part_idx') IS NULL AND trigrams IS NOT NULL
		AND pg_relation_size('global_logout.user'::regclass) <= 32 * 1024 * 1024 THEN
		EXECUTE format($index$CREATE INDEX user_part_idx ON global_logout."user" USING gin
			(lower(coalesce("left"(name, 600), '') || ' ' || coalesce("left"(email, 600), '')) %I.gin_trgm_ops)$index$, trigrams);
		-- So that the planner knows how often a text occurs.
		ANALYZE global_logout."user";
	END IF;
	RETURN EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('global_logout.user_part_idx') AND indisvalid);
END $_$;

CREATE FUNCTION global_logout.join_instances(instance_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
BEGIN
	PERFORM global_logout.begin_act(instance_id::text);
	INSERT INTO global_logout.instance (id, applied) VALUES (instance_id, pg_current_snapshot());
END $$;

CREATE FUNCTION global_logout.kept_act(act global_logout.operation, id uuid, session_ids uuid[]) RETURNS text
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
	SELECT json_build_object('id', kept_act.id, 'what', json_strip_nulls(to_json(act)), 'sessionIds', session_ids, 'takenOver', (
		SELECT coalesce(json_agg(r.session_token), '[]') FROM global_logout.revoked_session r
		JOIN global_logout.taken_over t ON t.session_token = r.session_token
		WHERE r.xid = pg_current_xact_id() AND r.operation_id = kept_act.id
	))::text
$$;

CREATE TABLE global_logout.service_key (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    key_hash text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT service_key_dates CHECK (((created_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '9999-12-31 00:00:00+00'::timestamp with time zone) AND (expires_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (expires_at < '9999-12-31 00:00:00+00'::timestamp with time zone) AND (last_used_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (last_used_at < '9999-12-31 00:00:00+00'::timestamp with time zone) AND (revoked_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (revoked_at < '9999-12-31 00:00:00+00'::timestamp with time zone)))
);

CREATE FUNCTION global_logout.key_facts(key global_logout.service_key) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
	SELECT jsonb_build_object('keyId', key.id, 'name', key.name, 'scopes', key.scopes,
		'expiresAt', to_char(key.expires_at AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
$$;

CREATE FUNCTION global_logout.lagging_instances(xids text[]) RETURNS TABLE(xid text, id uuid, beat bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
	SELECT asked.xid, left(encode(sha256(convert_to(lagging.id::text, 'UTF8')), 'hex'), 32)::uuid, lagging.beat
	FROM unnest(xids) AS asked (xid),
	LATERAL (SELECT i.id, i.beat FROM global_logout.instance i WHERE pg_visible_in_snapshot(asked.xid::xid8, i.applied) IS NOT TRUE LIMIT 64) lagging
$$;

CREATE FUNCTION global_logout.leave_instances(instance_id uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
	DELETE FROM global_logout.instance i WHERE i.id = instance_id
$$;

CREATE FUNCTION global_logout.log_in(token_hash text, user_id text, profile jsonb, user_agent text, ip_address inet, replaces text, key_id uuid, for_staff boolean, request_id text, OUT xid text, OUT session_id uuid, OUT created_at timestamp with time zone, OUT expires_at timestamp with time zone, OUT ends_at timestamp with time zone, OUT acts text) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
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

CREATE FUNCTION global_logout.log_out(token_hash text, scope text, only_id uuid, others text[], user_agent text, ip_address inet, request_id text, most integer, may_be_large boolean, OUT xid text, OUT outcome text, OUT signed_out boolean, OUT operation_id uuid, OUT ended integer, OUT revoked jsonb, OUT sessions integer, OUT acts text) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
#variable_conflict use_variable
DECLARE
	asker global_logout.session;
	other global_logout.session;
	before global_logout.revoked_session;
	act global_logout.operation;
	kept text[] := '{}';
	locked text[];
	done record;
BEGIN
	PERFORM global_logout.begin_act(token_hash, scope);
	IF scope NOT IN ('local', 'others', 'global') THEN
		RAISE EXCEPTION 'scope must be local, others or global' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	xid := pg_current_xact_id()::text;
	ended := 0;
	revoked := '[]';
	acts := '[]';
	-- Logins in progress have committed when the lock is held; the next statements see them. Of two logouts the second finds the session
	-- over. Several users are locked in one order, so that two such logouts do not wait for each other. A session that appeared while the
	-- lock was waited for is of a user who is not locked yet.
	LOOP
		SELECT array_agg(l.id) INTO locked FROM (
			SELECT u.id FROM global_logout."user" u WHERE u.id IN (
				SELECT (global_logout.valid_session(given))."userId" FROM unnest(others || token_hash) given
			) ORDER BY u.id FOR UPDATE
		) l;
		asker := global_logout.valid_session(token_hash);
		EXIT WHEN asker.id IS NULL OR asker."userId" = ANY (locked);
	END LOOP;
	IF asker.id IS NOT NULL AND only_id IS NOT NULL AND only_id <> asker.id AND NOT EXISTS (
		SELECT FROM global_logout.session s WHERE s."userId" = asker."userId" AND s.id = only_id
			AND (global_logout.valid_session(s."sessionToken")).id IS NOT NULL
	) THEN
		SELECT r.* INTO before FROM global_logout.revoked_session r WHERE r.user_id = asker."userId" AND r.session_id = only_id LIMIT 1;
		-- The record of a session that an incident for everyone has ended may follow later.
		outcome := CASE WHEN before.id IS NOT NULL OR EXISTS (
			SELECT FROM global_logout.session s, global_logout.session_policy p WHERE s."userId" = asker."userId" AND s.id = only_id AND s.epoch < p.epoch
		) THEN 'repeated' ELSE 'not_found' END;
		operation_id := before.operation_id;
		signed_out := false;
		RETURN;
	END IF;
	IF asker.id IS NOT NULL THEN
		IF NOT may_be_large AND only_id IS NULL AND scope <> 'local' THEN
			SELECT count(*) INTO sessions FROM (SELECT FROM global_logout.session s WHERE s."userId" = asker."userId" LIMIT 1001) listed;
			IF sessions > 1000 THEN
				SELECT count(*) INTO sessions FROM global_logout.session s WHERE s."userId" = asker."userId";
				outcome := 'large';
				RETURN;
			END IF;
		END IF;
		act := global_logout.act_of_user(CASE WHEN only_id IS NULL THEN 'logout' ELSE 'session.end' END, CASE WHEN only_id IS NULL THEN scope END,
			asker, ip_address, user_agent, request_id);
		SELECT e.* INTO done FROM global_logout.end_sessions(act, coalesce(only_id, CASE WHEN scope = 'local' THEN asker.id END),
			CASE WHEN scope = 'others' THEN asker.id END, most) e;
		operation_id := done.operation_id;
		ended := done.ended;
		revoked := done.revoked;
		kept := ARRAY[global_logout.kept_act(act, done.operation_id, done.ids)];
		outcome := 'done';
		signed_out := CASE WHEN only_id IS NULL THEN scope <> 'others' ELSE only_id = asker.id END;
	ELSE
		SELECT r.* INTO before FROM global_logout.revoked_session r WHERE r.session_token = token_hash ORDER BY r.id DESC LIMIT 1;
		outcome := CASE
			WHEN CASE WHEN only_id IS NOT NULL THEN only_id = before.session_id
					OR EXISTS (SELECT FROM global_logout.session s WHERE s."sessionToken" = token_hash AND s.id = only_id)
				WHEN scope = 'local' THEN before.id IS NOT NULL
					OR EXISTS (SELECT FROM global_logout.session s WHERE s."sessionToken" = token_hash)
				ELSE EXISTS (SELECT FROM global_logout.operation o WHERE o.id = before.operation_id AND o.scope = 'global') END
			THEN 'repeated' ELSE 'refused' END;
		signed_out := outcome = 'repeated';
		-- Only the session that asked may see what it ended; a thief whose session was ended may not.
		SELECT o.id INTO operation_id FROM global_logout.operation o
			WHERE signed_out AND o.id = before.operation_id AND o.actor_session_id = before.session_id;
	END IF;
	IF signed_out THEN
		FOR other IN SELECT s.* FROM global_logout.session s WHERE s."sessionToken" = ANY (others) AND (global_logout.valid_session(s."sessionToken")).id IS NOT NULL LOOP
			act := global_logout.act_of_user('logout', 'local', other, ip_address, user_agent, request_id);
			SELECT e.* INTO done FROM global_logout.end_sessions(act, other.id, NULL, most) e;
			ended := ended + done.ended;
			revoked := revoked || done.revoked;
			kept := kept || global_logout.kept_act(act, done.operation_id, done.ids);
		END LOOP;
	END IF;
	acts := '[' || array_to_string(kept, ',') || ']';
END $$;

CREATE FUNCTION global_logout.may_act_on_staff() RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
	SELECT has_function_privilege(coalesce(nullif(current_setting('role'), 'none'), session_user)::name,
		'global_logout.may_act_on_staff()'::regprocedure::oid, 'execute')
$$;

CREATE FUNCTION global_logout.mirror_user(user_id text, profile jsonb) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
	is_new boolean;
BEGIN
	INSERT INTO global_logout."user" AS mirror (id, name, email, image)
		VALUES (user_id, profile ->> 'name', profile ->> 'email', profile ->> 'image')
		ON CONFLICT (id) DO UPDATE SET
			name = CASE WHEN profile ? 'name' THEN excluded.name ELSE mirror.name END,
			email = CASE WHEN profile ? 'email' THEN excluded.email ELSE mirror.email END,
			image = CASE WHEN profile ? 'image' THEN excluded.image ELSE mirror.image END
		WHERE (profile ? 'name' AND excluded.name IS DISTINCT FROM mirror.name)
			OR (profile ? 'email' AND excluded.email IS DISTINCT FROM mirror.email)
			OR (profile ? 'image' AND excluded.image IS DISTINCT FROM mirror.image)
		RETURNING mirror.xmax = 0 INTO is_new;
	RETURN coalesce(is_new, false);
END $$;

CREATE FUNCTION global_logout.named_operation() RETURNS global_logout.operation
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
	named CONSTANT text := current_setting('global_logout.operation_id', true);
	is_writer boolean;
	found_operation global_logout.operation;
BEGIN
	IF named <> '' IS NOT TRUE THEN
		RETURN NULL;
	END IF;
	is_writer := has_table_privilege(coalesce(nullif(current_setting('role'), 'none'), session_user)::name, 'global_logout.operation', 'insert');
	SELECT o.* INTO found_operation FROM global_logout.operation o WHERE o.id = named::uuid;
	IF is_writer AND NOT FOUND THEN
		RAISE EXCEPTION 'operation % ends sessions and is not recorded', named USING ERRCODE = 'foreign_key_violation';
	END IF;
	IF is_writer OR (found_operation.revoked_count = -1 AND found_operation.xid = pg_current_xact_id()) THEN
		RETURN found_operation;
	END IF;
	RETURN NULL;
END $$;

CREATE TABLE global_logout.incident (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    state text DEFAULT 'planned'::text NOT NULL,
    reason text NOT NULL,
    selection jsonb NOT NULL,
    user_ids text[],
    actor_kind text NOT NULL,
    actor_id text,
    planned_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    planned_sessions integer NOT NULL,
    planned_users integer NOT NULL,
    estimated boolean DEFAULT false NOT NULL,
    staff_sessions integer NOT NULL,
    sample jsonb NOT NULL,
    operation_id uuid,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    ended integer DEFAULT 0 NOT NULL,
    outcome jsonb,
    epoch integer,
    emails text[],
    breakdown jsonb,
    session_ids uuid[],
    users_to_lock integer,
    locks boolean DEFAULT false NOT NULL,
    lock_seconds integer,
    locked integer DEFAULT 0 NOT NULL,
    needs_approval boolean DEFAULT false NOT NULL,
    approver_kind text,
    approver_id text,
    approved_at timestamp with time zone,
    CONSTRAINT incident_approval CHECK (((state = 'planned'::text) OR (NOT needs_approval) OR (approved_at IS NOT NULL))),
    CONSTRAINT incident_dates CHECK (((planned_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (planned_at < '9999-12-31 00:00:00+00'::timestamp with time zone) AND (expires_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (expires_at < '9999-12-31 00:00:00+00'::timestamp with time zone) AND (started_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (started_at < '9999-12-31 00:00:00+00'::timestamp with time zone) AND (finished_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (finished_at < '9999-12-31 00:00:00+00'::timestamp with time zone) AND (approved_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (approved_at < '9999-12-31 00:00:00+00'::timestamp with time zone)))
);

CREATE FUNCTION global_logout.names_user(i global_logout.incident, user_id text, email text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
	SELECT user_id = ANY (i.user_ids) OR global_logout.names_user(i.selection, user_id, email)
		OR i.sample @> jsonb_build_array(jsonb_build_object('userId', user_id))
		OR EXISTS (SELECT FROM unnest(i.emails) named WHERE lower(named) = lower(email))
$$;

CREATE FUNCTION global_logout.names_user(selection jsonb, user_id text, email text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
	SELECT coalesce(selection -> 'userIds' ? user_id, false)
		OR EXISTS (SELECT FROM jsonb_path_query(selection, '$.emails[*]') named WHERE lower(named #>> '{}') = lower(email))
$_$;

CREATE FUNCTION global_logout.operation_digest(o global_logout.operation) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
	SELECT sha256(convert_to(jsonb_build_array(o.id, o.kind, o.scope, o.actor_kind, o.actor_id, o.actor_session_id, o.user_id,
		o.reason, o.ip_address, o.user_agent, o.request_id, extract(epoch FROM o.at), o.revoked_count, o.selection, o.result)::text, 'UTF8'))
$$;

CREATE TABLE global_logout.audit_link (
    seq bigint NOT NULL,
    operation_id uuid NOT NULL,
    digest bytea NOT NULL,
    hash bytea NOT NULL,
    sealed_at timestamp with time zone DEFAULT now() NOT NULL,
    subject_salt uuid,
    selection_salt uuid,
    actor_salt uuid,
    origin_salt uuid,
    subject_hash bytea,
    selection_hash bytea,
    actor_hash bytea,
    origin_hash bytea
);

CREATE FUNCTION global_logout.operation_parts(o global_logout.operation, l global_logout.audit_link) RETURNS text[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ARRAY[CASE WHEN ((l).subject_salt IS NOT NULL) THEN encode(sha256(convert_to((jsonb_build_array((l).subject_salt, (o).user_id, (o).reason))::text, 'UTF8'::name)), 'hex'::text) WHEN (num_nonnulls((o).user_id, (o).reason) = 0) THEN encode((l).subject_hash, 'hex'::text) ELSE ''::text END, CASE WHEN ((l).selection_salt IS NOT NULL) THEN encode(sha256(convert_to((jsonb_build_array((l).selection_salt, (o).selection))::text, 'UTF8'::name)), 'hex'::text) WHEN ((o).selection IS NULL) THEN encode((l).selection_hash, 'hex'::text) ELSE ''::text END, CASE WHEN ((l).actor_salt IS NOT NULL) THEN encode(sha256(convert_to((jsonb_build_array((l).actor_salt, (o).actor_id, (o).actor_session_id))::text, 'UTF8'::name)), 'hex'::text) WHEN (num_nonnulls((o).actor_id, (o).actor_session_id) = 0) THEN encode((l).actor_hash, 'hex'::text) ELSE ''::text END, CASE WHEN ((l).origin_salt IS NOT NULL) THEN encode(sha256(convert_to((jsonb_build_array((l).origin_salt, (o).ip_address, (o).user_agent, (o).request_id))::text, 'UTF8'::name)), 'hex'::text) WHEN (num_nonnulls((o).ip_address, (o).user_agent, (o).request_id) = 0) THEN encode((l).origin_hash, 'hex'::text) ELSE ''::text END];

CREATE FUNCTION global_logout.operation_digest(o global_logout.operation, l global_logout.audit_link) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN (num_nulls((l).origin_salt, (l).origin_hash) < 2) THEN sha256(convert_to((jsonb_build_array((o).id, (o).kind, (o).scope, (o).actor_kind, EXTRACT(epoch FROM (o).at), (o).revoked_count, (o).result, global_logout.operation_parts(o, l)))::text, 'UTF8'::name)) WHEN ((o).erased_by IS NULL) THEN global_logout.operation_digest(o) ELSE (l).digest END;

CREATE FUNCTION global_logout.prune_feed(retention_seconds bigint, most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
DECLARE
	before CONSTANT timestamptz := now() - make_interval(secs => retention_seconds::double precision);
	-- All transactions below are over: a cursor taken after a deletion is never too old.
	over CONSTANT xid8 := pg_snapshot_xmin(pg_current_snapshot());
	pruned integer;
BEGIN
	IF retention_seconds < 86400 THEN
		RAISE EXCEPTION 'revocations and replays are kept for a day at least';
	END IF;
	-- Transactions follow time, but for those that settle_restored() has dated back, which have an order of their own.
	WITH revocations AS (
		DELETE FROM global_logout.revoked_session WHERE ctid = ANY (ARRAY(SELECT ctid FROM (
			(SELECT ctid, xid, revoked_at FROM global_logout.revoked_session WHERE xid > '3' ORDER BY xid, id LIMIT most)
			UNION ALL (SELECT ctid, xid, revoked_at FROM global_logout.revoked_session WHERE xid = '3' ORDER BY xid, id LIMIT most)
		) oldest WHERE revoked_at < before AND xid < over)) RETURNING xid
	), replays AS (
		DELETE FROM global_logout.replay WHERE ctid = ANY (ARRAY(SELECT ctid FROM (
			SELECT ctid, xid, at FROM global_logout.replay ORDER BY id LIMIT most
		) oldest WHERE at < before AND xid < over)) RETURNING xid
	), gone AS (
		SELECT xid FROM revocations UNION ALL SELECT xid FROM replays
	), horizon AS (
		UPDATE global_logout.feed_horizon SET xid = greatest(xid, (SELECT max(xid) FROM gone)) WHERE EXISTS (SELECT FROM gone)
	)
	SELECT count(*) INTO pruned FROM gone;
	-- No event of the feed, and so not counted.
	DELETE FROM global_logout.taken_over WHERE ctid = ANY (ARRAY(SELECT ctid FROM (
		SELECT ctid, at FROM global_logout.taken_over ORDER BY at LIMIT most
	) oldest WHERE at < before));
	DELETE FROM global_logout.erased_user WHERE at < before;
	RETURN pruned;
END $$;

CREATE FUNCTION global_logout.read_revocations(instance_id uuid, since pg_snapshot, OUT snapshot text, OUT policy text, OUT tokens text[]) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
#variable_conflict use_variable
BEGIN
	PERFORM global_logout.begin_act(instance_id::text);
	IF since IS NULL THEN
		SELECT i.applied INTO since FROM global_logout.instance i WHERE i.id = instance_id;
	END IF;
	SELECT pg_current_snapshot()::text, p.xmin::text, ARRAY(
			SELECT r.session_token FROM global_logout.revoked_session r
				WHERE r.xid >= pg_snapshot_xmin(since) AND NOT pg_visible_in_snapshot(r.xid, since)
			UNION ALL SELECT c.session_token FROM global_logout.session_change c
				WHERE c.xid >= pg_snapshot_xmin(since) AND NOT pg_visible_in_snapshot(c.xid, since)
			LIMIT 10001)
		INTO snapshot, policy, tokens FROM global_logout.session_policy p, global_logout.instance i
		WHERE i.id = instance_id AND pg_snapshot_xmin(since) >= pg_snapshot_xmin(i.applied);
END $$;

CREATE FUNCTION global_logout.read_sessions(token_hashes text[]) RETURNS TABLE("position" integer, user_id text, session_id uuid, created_at double precision, ends_at double precision, age double precision, life double precision, touch double precision, passive_touch double precision, touch_interval double precision)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
BEGIN
	RETURN QUERY SELECT * FROM global_logout.read_tokens(token_hashes);
END $$;

CREATE FUNCTION global_logout.read_tokens(token_hashes text[]) RETURNS TABLE("position" integer, user_id text, session_id uuid, created_at double precision, ends_at double precision, age double precision, life double precision, touch double precision, passive_touch double precision, touch_interval double precision)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT (requested."position")::integer AS "position",
     s."userId",
     s.id,
     (EXTRACT(epoch FROM s."createdAt"))::double precision AS "extract",
     (EXTRACT(epoch FROM lasts.until))::double precision AS "extract",
     (EXTRACT(epoch FROM (statement_timestamp() - s."createdAt")))::double precision AS "extract",
     (EXTRACT(epoch FROM (lasts.until - statement_timestamp())))::double precision AS "extract",
     (EXTRACT(epoch FROM ((s."lastSeenAt" + lasts.pause) - statement_timestamp())))::double precision AS "extract",
     (EXTRACT(epoch FROM ((GREATEST(s."lastSeenAt", s."passiveAt") + lasts.pause) - statement_timestamp())))::double precision AS "extract",
     (EXTRACT(epoch FROM lasts.pause))::double precision AS "extract"
    FROM global_logout.session_policy p,
     (unnest(read_tokens.token_hashes) WITH ORDINALITY requested(token, "position")
      JOIN global_logout.session s ON ((s."sessionToken" = requested.token))),
     LATERAL ( SELECT global_logout.session_ends_at(s.expires, s."createdAt", s."lastSeenAt", s.epoch, p.idle_timeout_seconds, p.max_age_seconds, p.epoch) AS until,
             make_interval(secs => LEAST((60)::double precision, ((p.idle_timeout_seconds)::double precision / (4)::double precision))) AS pause) lasts
   WHERE (statement_timestamp() < lasts.until);
END;

CREATE FUNCTION global_logout.record_ending_update() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
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

CREATE FUNCTION global_logout.record_key_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
DECLARE
	key global_logout.service_key;
	change text := 'key.change';
BEGIN
	IF TG_RELID <> 'global_logout.service_key'::regclass::oid THEN
		RAISE EXCEPTION 'record_key_change() is for global_logout.service_key alone';
	END IF;
	IF TG_OP = 'DELETE' THEN
		key := old;
		change := 'key.revoke';
		-- A key that was revoked or expired gave no access.
		IF key.revoked_at IS NOT NULL OR key.expires_at <= clock_timestamp() THEN
			RETURN NULL;
		END IF;
	ELSE
		key := new;
		IF TG_OP = 'INSERT' THEN
			change := 'key.create';
		ELSIF old.revoked_at IS NULL AND new.revoked_at IS NOT NULL THEN
			change := 'key.revoke';
		ELSIF (new.id, new.name, new.key_hash, new.scopes, new.created_at, new.expires_at)
			IS NOT DISTINCT FROM (old.id, old.name, old.key_hash, old.scopes, old.created_at, old.expires_at) THEN
			RETURN NULL;
		END IF;
	END IF;
	IF NOT EXISTS (SELECT FROM global_logout.operation o WHERE o.xid = pg_current_xact_id() AND o.kind = change
		AND o.result ->> 'keyId' = key.id::text AND o.result -> 'scopes' = to_jsonb(key.scopes)) THEN
		PERFORM global_logout.record_operation(change, NULL, NULL, global_logout.key_facts(key)
			|| CASE WHEN change = 'key.change' THEN jsonb_build_object('before', global_logout.key_facts(old)) ELSE '{}' END);
	END IF;
	RETURN NULL;
END $$;

CREATE FUNCTION global_logout.record_lock_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
DECLARE
	held boolean;
	holds boolean;
	stays boolean;
BEGIN
	IF TG_RELID <> 'global_logout.user_lock'::regclass::oid THEN
		RAISE EXCEPTION 'record_lock_change() is for global_logout.user_lock alone';
	END IF;
	held := TG_OP <> 'INSERT' AND coalesce(old.until > clock_timestamp(), true);
	holds := TG_OP <> 'DELETE' AND coalesce(new.until > clock_timestamp(), true);
	stays := TG_OP = 'UPDATE' AND new.user_id = old.user_id;
	IF held AND NOT (stays AND holds) AND NOT EXISTS (SELECT FROM global_logout.operation o
		WHERE o.xid = pg_current_xact_id() AND o.kind = 'user.unlock' AND o.user_id = old.user_id) THEN
		PERFORM global_logout.record_operation('user.unlock', old.user_id, NULL, jsonb_build_object('lockedUntil', global_logout.until_text(old.until)));
	END IF;
	IF holds AND NOT (stays AND held AND new.until IS NOT DISTINCT FROM old.until) AND NOT EXISTS (SELECT FROM global_logout.operation o
		WHERE o.xid = pg_current_xact_id() AND o.kind IN ('user.lock', 'user.revoke') AND o.user_id = new.user_id
			AND o.result ->> 'lockedUntil' = global_logout.until_text(new.until)) THEN
		PERFORM global_logout.record_operation('user.lock', new.user_id, new.reason, jsonb_build_object('lockedUntil', global_logout.until_text(new.until))
			|| CASE WHEN stays AND held THEN jsonb_build_object('before', global_logout.until_text(old.until)) ELSE '{}' END);
	END IF;
	RETURN NULL;
END $$;

CREATE FUNCTION global_logout.record_operation(kind text, user_id text, reason text, result jsonb) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
	INSERT INTO global_logout.operation (id, kind, actor_kind, actor_id, user_id, reason, ip_address, revoked_count, result)
	VALUES (gen_random_uuid(), kind, 'database', session_user, user_id, reason, inet_client_addr(), 0, result)
$$;

CREATE FUNCTION global_logout.record_policy_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
DECLARE
	lifetimes jsonb;
	before jsonb;
BEGIN
	IF TG_RELID <> 'global_logout.session_policy'::regclass::oid THEN
		RAISE EXCEPTION 'record_policy_change() is for global_logout.session_policy alone';
	END IF;
	-- What ended with an epoch stays over: by no update, and by no row that takes the place of this one.
	IF new.epoch IS DISTINCT FROM old.epoch
		AND (new.epoch < old.epoch OR new.epoch <> (SELECT coalesce(max(i.epoch), 0) FROM global_logout.incident i)) THEN
		RAISE EXCEPTION 'an incident for everyone begins an epoch, and nothing else changes it'
			USING ERRCODE = 'restrict_violation', HINT = 'Run "global-logout incident plan --everyone", then execute the plan.';
	END IF;
	lifetimes := jsonb_build_object('idleTimeoutSeconds', new.idle_timeout_seconds, 'maxAgeSeconds', new.max_age_seconds);
	before := jsonb_build_object('idleTimeoutSeconds', old.idle_timeout_seconds, 'maxAgeSeconds', old.max_age_seconds);
	IF lifetimes <> before AND NOT EXISTS (SELECT FROM global_logout.operation o
		WHERE o.xid = pg_current_xact_id() AND o.kind = 'policy.change' AND o.result @> lifetimes) THEN
		PERFORM global_logout.record_operation('policy.change', NULL, NULL, lifetimes || jsonb_build_object('before', before));
	END IF;
	RETURN NULL;
END $$;

CREATE FUNCTION global_logout.record_revocations() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
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

CREATE FUNCTION global_logout.record_role_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
DECLARE
	change record;
BEGIN
	IF TG_RELID <> 'global_logout.staff'::regclass::oid THEN
		RAISE EXCEPTION 'record_role_change() is for global_logout.staff alone';
	END IF;
	FOR change IN
		SELECT user_id, max(role) FILTER (WHERE NOT is_new) AS before, max(role) FILTER (WHERE is_new) AS role
		FROM (VALUES (old.user_id, old.role, false), (new.user_id, new.role, true)) AS rows (user_id, role, is_new)
		WHERE user_id IS NOT NULL GROUP BY user_id
	LOOP
		IF change.role IS DISTINCT FROM change.before AND NOT EXISTS (SELECT FROM global_logout.operation o
			WHERE o.xid = pg_current_xact_id() AND o.kind = 'user.role' AND o.user_id = change.user_id
				AND o.result ->> 'role' IS NOT DISTINCT FROM change.role) THEN
			PERFORM global_logout.record_operation('user.role', change.user_id, NULL,
				jsonb_build_object('role', change.role, 'before', change.before));
		END IF;
	END LOOP;
	RETURN NULL;
END $$;

CREATE FUNCTION global_logout.record_truncation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
BEGIN
	CASE TG_RELID
		WHEN 'global_logout.service_key'::regclass THEN
			PERFORM global_logout.record_operation('key.revoke', NULL, NULL, global_logout.key_facts(k)) FROM global_logout.service_key k
			WHERE k.revoked_at IS NULL AND coalesce(k.expires_at > clock_timestamp(), true);
		WHEN 'global_logout.user_lock'::regclass THEN
			PERFORM global_logout.record_operation('user.unlock', l.user_id, NULL, jsonb_build_object('lockedUntil', global_logout.until_text(l.until)))
			FROM global_logout.user_lock l WHERE coalesce(l.until > clock_timestamp(), true);
		WHEN 'global_logout.staff'::regclass THEN
			PERFORM global_logout.record_operation('user.role', s.user_id, NULL, jsonb_build_object('role', NULL, 'before', s.role))
			FROM global_logout.staff s;
		WHEN 'global_logout.session_policy'::regclass THEN
			PERFORM global_logout.record_operation('policy.change', NULL, NULL, jsonb_build_object('idleTimeoutSeconds', NULL, 'maxAgeSeconds', NULL,
				'before', jsonb_build_object('idleTimeoutSeconds', p.idle_timeout_seconds, 'maxAgeSeconds', p.max_age_seconds)))
			FROM global_logout.session_policy p;
		ELSE
			RAISE EXCEPTION 'record_truncation() is for tables of global-logout alone';
	END CASE;
	RETURN NULL;
END $$;

CREATE FUNCTION global_logout.record_uses(session_ids uuid[], activity boolean) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
DECLARE
	recorded integer;
BEGIN
	PERFORM global_logout.begin_act();
	UPDATE global_logout.session s SET
		"lastSeenAt" = CASE WHEN activity THEN statement_timestamp() ELSE s."lastSeenAt" END,
		"passiveAt" = CASE WHEN activity THEN s."passiveAt" ELSE statement_timestamp() END
		WHERE s.id IN (
			SELECT due.id FROM global_logout.session due, global_logout.session_policy p
			WHERE due.id = ANY (session_ids)
				AND statement_timestamp() < global_logout.session_ends_at(due.expires, due."createdAt", due."lastSeenAt", due.epoch, p.idle_timeout_seconds, p.max_age_seconds, p.epoch)
				AND (CASE WHEN activity THEN due."lastSeenAt" ELSE greatest(due."lastSeenAt", due."passiveAt") END) < statement_timestamp()
					- make_interval(secs => least(60::double precision, p.idle_timeout_seconds::double precision / 4::double precision))
			FOR UPDATE OF due SKIP LOCKED);
	GET DIAGNOSTICS recorded = ROW_COUNT;
	RETURN recorded;
END $$;

CREATE FUNCTION global_logout.redo_operation(act jsonb, session_ids uuid[], relock boolean, OUT xid text, OUT ended integer) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET work_mem TO '64MB'
    AS $$
#variable_conflict use_variable
DECLARE
	redone global_logout.operation := jsonb_populate_record(NULL::global_logout.operation, act);
	until CONSTANT timestamptz := nullif(redone.result ->> 'lockedUntil', 'forever')::timestamptz;
	tokens CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(act -> 'taken_over'));
BEGIN
	PERFORM global_logout.begin_act(redone.kind);
	PERFORM FROM global_logout."user" u WHERE u.id = redone.user_id FOR UPDATE;
	IF EXISTS (SELECT FROM global_logout.operation o WHERE o.id = (redone.result #>> '{redone,operationId}')::uuid) THEN
		RETURN;
	END IF;
	redone.revoked_count := -1;
	INSERT INTO global_logout.operation SELECT redone.* ON CONFLICT (id) DO NOTHING;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	xid := pg_current_xact_id()::text;
	IF relock AND coalesce(until > clock_timestamp(), true) THEN
		INSERT INTO global_logout.user_lock AS held (user_id, until, reason) VALUES (redone.user_id, until, redone.reason)
			ON CONFLICT (user_id) DO UPDATE SET until = excluded.until, reason = excluded.reason, locked_at = excluded.locked_at
			WHERE held.until < coalesce(excluded.until, 'infinity');
	END IF;
	-- Waits for one that is being taken over, so that the next statement sees its session.
	INSERT INTO global_logout.taken_over (session_token) SELECT unnest(tokens) ON CONFLICT DO NOTHING;
	PERFORM set_config('global_logout.operation_id', redone.id::text, true);
	DELETE FROM global_logout.session s
		WHERE s.id = ANY (session_ids) OR s."sessionToken" = ANY (tokens) OR (redone.kind = 'user.delete' AND s."userId" = redone.user_id);
	PERFORM set_config('global_logout.operation_id', '', true);
	SELECT count(*) INTO ended FROM global_logout.revoked_session r
		WHERE r.xid = pg_current_xact_id() AND r.operation_id = redone.id;
	IF redone.kind = 'user.delete' THEN
		DELETE FROM global_logout."user" u WHERE u.id = redone.user_id;
	END IF;
	UPDATE global_logout.operation o SET revoked_count = ended WHERE o.id = redone.id;
END $$;

CREATE FUNCTION global_logout.refuse_changed_outcome() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
	RAISE EXCEPTION 'incident % is done, and stays as it is', old.id;
END $$;

CREATE FUNCTION global_logout.refuse_future() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
	was jsonb := '{}';
	named text;
BEGIN
	IF TG_OP = 'UPDATE' THEN
		was := to_jsonb(old);
	END IF;
	FOREACH named IN ARRAY TG_ARGV LOOP
		IF (to_jsonb(new) ->> named)::timestamptz > clock_timestamp() + interval '1 minute'
			AND to_jsonb(new) ->> named IS DISTINCT FROM was ->> named THEN
			RAISE EXCEPTION '"%" of "%" lies in the future', named, TG_TABLE_NAME
				USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = named,
					DETAIL = format('It is %s, and now is %s.', to_jsonb(new) ->> named, to_jsonb(clock_timestamp()) #>> '{}'),
					HINT = 'At most a minute is allowed. Leave the column to its default, or compare the clocks.';
		END IF;
	END LOOP;
	RETURN new;
END $$;

CREATE FUNCTION global_logout.refuse_renaming() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
BEGIN
	IF TG_RELID <> 'global_logout.user'::regclass::oid THEN
		RAISE EXCEPTION 'refuse_renaming() is for global_logout."user" alone';
	END IF;
	IF EXISTS (SELECT FROM global_logout.user_lock WHERE user_id = old.id AND coalesce(until > clock_timestamp(), true))
		OR EXISTS (SELECT FROM global_logout.staff WHERE user_id = old.id) THEN
		RAISE EXCEPTION 'this user has a lock or a role, which is kept by id: the id stays'
			USING ERRCODE = 'restrict_violation', HINT = 'Lift the lock or take the role away first, with global-logout.';
	END IF;
	RETURN new;
END $$;

CREATE FUNCTION global_logout.refuse_revival() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
DECLARE
	at CONSTANT timestamptz := clock_timestamp();
BEGIN
	IF TG_RELID <> 'global_logout.session'::regclass::oid THEN
		RAISE EXCEPTION 'refuse_revival() is for global_logout.session alone';
	END IF;
	IF at < (SELECT global_logout.session_ends_at(old.expires, old."createdAt", old."lastSeenAt", old.epoch, p.idle_timeout_seconds, p.max_age_seconds, p.epoch)
		FROM global_logout.session_policy p) THEN
		RETURN new;
	END IF;
	RETURN NULL;
END $$;

CREATE FUNCTION global_logout.refuse_revived_key() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
	RAISE EXCEPTION 'service key % is revoked, and stays as it is', old.id;
END $$;

CREATE FUNCTION global_logout.refuse_staff(user_id text) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
BEGIN
	IF global_logout.may_act_on_staff() THEN
		RETURN NULL;
	END IF;
	IF EXISTS (SELECT FROM global_logout.staff s WHERE s.user_id = user_id) THEN
		RAISE EXCEPTION 'this user is security staff: to sign them in or delete them, the login needs the role global_logout_staff_application'
			USING ERRCODE = 'GL002';
	END IF;
	RETURN '00000000-0000-0000-0000-000000000000';
END $$;

CREATE FUNCTION global_logout.remove_user(user_id text, actor_kind text, actor_id text, request_id text DEFAULT NULL::text, OUT xid text, OUT operation_id uuid, OUT ended integer) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
#variable_conflict use_variable
DECLARE
	act global_logout.operation;
	is_new boolean;
BEGIN
	PERFORM global_logout.begin_act();
	xid := pg_current_xact_id()::text;
	ended := 0;
	-- Where the user has no row, one is made: else a session of this user that is being taken over would not wait for this.
	is_new := global_logout.mirror_user(user_id, '{}');
	-- One who is erased is not named again.
	IF is_new AND (EXISTS (SELECT FROM global_logout.operation o WHERE o.user_id = user_id AND o.kind = 'user.delete')
		OR EXISTS (SELECT FROM global_logout.erased_user e WHERE e.id_hash = global_logout.erased_id_hash(user_id))) THEN
		DELETE FROM global_logout."user" u WHERE u.id = user_id;
		RETURN;
	END IF;
	PERFORM FROM global_logout."user" u WHERE u.id = user_id FOR UPDATE;
	act.kind := 'user.delete';
	act.actor_kind := actor_kind;
	act.actor_id := actor_id;
	act.user_id := user_id;
	act.request_id := request_id;
	SELECT e.operation_id, e.ended INTO operation_id, ended FROM global_logout.end_sessions(act, NULL, NULL, 0) e;
	DELETE FROM global_logout."user" u WHERE u.id = user_id;
END $$;

CREATE FUNCTION global_logout.require_incident_operation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
BEGIN
	IF TG_RELID <> 'global_logout.incident'::regclass::oid THEN
		RAISE EXCEPTION 'require_incident_operation() is for global_logout.incident alone';
	END IF;
	IF (TG_OP = 'INSERT' AND new.state = 'planned') OR (TG_OP = 'UPDATE'
		AND (new.state, new.operation_id, new.started_at) IS NOT DISTINCT FROM (old.state, old.operation_id, old.started_at)) THEN
		RETURN NULL;
	END IF;
	PERFORM FROM global_logout.operation o WHERE o.xid = pg_current_xact_id() AND o.result ->> 'planId' = new.id::text
		AND CASE new.state WHEN 'running' THEN o.kind = 'incident.execute' AND o.id = new.operation_id
			ELSE o.kind = 'incident.finish' AND o.result ->> 'operationId' = new.operation_id::text END;
	IF FOUND THEN
		RETURN NULL;
	END IF;
	RAISE EXCEPTION 'incident % is executed and finished by operations of the same transaction', new.id
		USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION global_logout.restored_elsewhere() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
	SELECT greatest(
		(SELECT max(xid) FROM global_logout.operation), (SELECT max(xid) FROM global_logout.revoked_session), (SELECT max(xid) FROM global_logout.replay),
		(SELECT max(xid) FROM global_logout.session_change), (SELECT xid FROM global_logout.feed_horizon)) >= pg_snapshot_xmax(pg_current_snapshot())
		OR (SELECT pg_snapshot_xmax(sealed) FROM global_logout.audit_head) > pg_snapshot_xmax(pg_current_snapshot())
$$;

CREATE FUNCTION global_logout.revoke_sessions(act jsonb, session_ids uuid[], most integer, OUT xid text, OUT outcome text, OUT operation_id uuid, OUT ended integer, OUT revoked jsonb, OUT acts text) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
#variable_conflict use_variable
DECLARE
	what global_logout.operation := jsonb_populate_record(NULL::global_logout.operation, act);
	ids uuid[];
BEGIN
	PERFORM global_logout.begin_act(what.user_id, what.reason);
	PERFORM FROM global_logout."user" u WHERE u.id = what.user_id FOR UPDATE;
	-- A statement of its own, after that of the lock: of two that end a session, the second finds it over.
	ids := ARRAY(SELECT s.id FROM global_logout.session s WHERE s."userId" = what.user_id AND s.id = ANY (session_ids)
		AND (global_logout.valid_session(s."sessionToken")).id IS NOT NULL);
	xid := pg_current_xact_id()::text;
	ended := 0;
	revoked := '[]';
	acts := '[]';
	IF ids = '{}' THEN
		SELECT r.operation_id INTO operation_id FROM global_logout.revoked_session r
			WHERE r.user_id = what.user_id AND r.session_id = ANY (session_ids) ORDER BY r.id DESC LIMIT 1;
		outcome := CASE WHEN FOUND OR EXISTS (SELECT FROM global_logout.session s WHERE s."userId" = what.user_id AND s.id = ANY (session_ids))
			THEN 'repeated' ELSE 'not_found' END;
		RETURN;
	END IF;
	operation_id := gen_random_uuid();
	what.id := operation_id;
	what.revoked_count := -1;
	INSERT INTO global_logout.operation SELECT what.*;
	PERFORM set_config('global_logout.operation_id', operation_id::text, true);
	DELETE FROM global_logout.session s WHERE s."userId" = what.user_id AND s.id = ANY (ids);
	PERFORM set_config('global_logout.operation_id', '', true);
	SELECT count(*), array_agg(r.session_id), coalesce(jsonb_agg(jsonb_build_object('id', r.session_id, 'createdAt', r.created_at,
			'lastSeenAt', r.last_seen_at, 'ipAddress', host(r.ip_address), 'userAgent', r.user_agent, 'deviceName', r.device_name)
			ORDER BY r.last_seen_at DESC, r.session_id) FILTER (WHERE r.place <= most), '[]')
		INTO ended, ids, revoked FROM (
			SELECT e.*, row_number() OVER (ORDER BY e.last_seen_at DESC, e.session_id) AS place FROM global_logout.revoked_session e
			WHERE e.xid = pg_current_xact_id() AND e.operation_id = operation_id
		) r;
	UPDATE global_logout.operation o SET revoked_count = ended WHERE o.id = operation_id;
	outcome := 'done';
	acts := '[' || global_logout.kept_act(what, operation_id, coalesce(ids, '{}')) || ']';
END $$;

CREATE FUNCTION global_logout.revoke_user(act jsonb, locks boolean, lock_seconds integer, may_be_unknown boolean, most integer, may_be_large boolean, OUT xid text, OUT outcome text, OUT operation_id uuid, OUT ended integer, OUT revoked jsonb, OUT sessions integer, OUT acts text, OUT locked_until timestamp with time zone, OUT lock_reason text, OUT locked_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
#variable_conflict use_variable
DECLARE
	what global_logout.operation := jsonb_populate_record(NULL::global_logout.operation, act);
	is_known boolean;
	done record;
BEGIN
	PERFORM global_logout.begin_act(what.user_id, what.reason);
	PERFORM FROM global_logout."user" u WHERE u.id = what.user_id FOR UPDATE;
	IF NOT FOUND THEN
		is_known := EXISTS (SELECT FROM global_logout.staff s WHERE s.user_id = what.user_id)
			OR EXISTS (SELECT FROM global_logout.user_lock l WHERE l.user_id = what.user_id AND coalesce(l.until > clock_timestamp(), true));
		IF NOT is_known AND NOT may_be_unknown THEN
			outcome := 'not_found';
			RETURN;
		END IF;
		-- Without a row, a sign-in in progress or a session that is being taken over would escape. A lock waits for them by itself.
		IF NOT is_known OR NOT locks THEN
			PERFORM global_logout.mirror_user(what.user_id, '{}');
			PERFORM FROM global_logout."user" u WHERE u.id = what.user_id FOR UPDATE;
		END IF;
	END IF;
	IF NOT may_be_large THEN
		SELECT count(*) INTO sessions FROM (SELECT FROM global_logout.session s WHERE s."userId" = what.user_id LIMIT 1001) listed;
		IF sessions > 1000 THEN
			SELECT count(*) INTO sessions FROM global_logout.session s WHERE s."userId" = what.user_id;
			outcome := 'large';
			RETURN;
		END IF;
	END IF;
	IF locks THEN
		INSERT INTO global_logout.user_lock AS held (user_id, until, reason)
			VALUES (what.user_id, clock_timestamp() + make_interval(secs => lock_seconds::double precision), what.reason)
			ON CONFLICT (user_id) DO UPDATE SET until = excluded.until, reason = excluded.reason, locked_at = excluded.locked_at
			WHERE held.until < coalesce(excluded.until, 'infinity');
		SELECT l.until, l.reason, l.locked_at INTO STRICT locked_until, lock_reason, locked_at FROM global_logout.user_lock l WHERE l.user_id = what.user_id;
		what.result := jsonb_build_object('lockedUntil', global_logout.until_text(locked_until));
	END IF;
	-- A statement of its own, after that of the lock: it sees the sign-ins that the lock waited for.
	SELECT e.* INTO done FROM global_logout.end_sessions(what, NULL, NULL, most) e;
	xid := pg_current_xact_id()::text;
	outcome := 'done';
	operation_id := done.operation_id;
	ended := done.ended;
	revoked := done.revoked;
	acts := '[' || global_logout.kept_act(what, operation_id, done.ids) || ']';
END $$;

CREATE FUNCTION global_logout.seal_operations(most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
DECLARE
	head global_logout.audit_head;
	seen pg_snapshot;
	link record;
	added integer := 0;
	more boolean := false;
BEGIN
	-- With none there would be nothing more to seal, ever.
	IF most < 1 THEN
		RAISE EXCEPTION 'one operation at least is sealed at a time';
	END IF;
	SELECT * INTO head FROM global_logout.audit_head;
	IF NOT EXISTS (SELECT FROM global_logout.operation p
		WHERE p.xid >= pg_snapshot_xmin(head.sealed) AND NOT pg_visible_in_snapshot(p.xid, head.sealed)
			AND NOT EXISTS (SELECT FROM global_logout.audit_link l WHERE l.operation_id = p.id)) THEN
		RETURN 0;
	END IF;
	SELECT * INTO head FROM global_logout.audit_head FOR UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	seen := pg_current_snapshot();
	FOR link IN WITH fresh AS MATERIALIZED (
			SELECT id, at FROM global_logout.operation
			WHERE xid >= pg_snapshot_xmin(head.sealed) AND NOT pg_visible_in_snapshot(xid, head.sealed)
		), next AS MATERIALIZED (
			SELECT id, at FROM fresh WHERE NOT EXISTS (SELECT FROM global_logout.audit_link l WHERE l.operation_id = fresh.id)
			ORDER BY at, id LIMIT most + 1
		), salted AS MATERIALIZED (
			SELECT next.at, p AS o, ROW(NULL, next.id, NULL, NULL, NULL, gen_random_uuid(),
				CASE WHEN p.selection IS NOT NULL THEN gen_random_uuid() END, gen_random_uuid(), gen_random_uuid(),
				NULL, NULL, NULL, NULL)::global_logout.audit_link AS l
			FROM next JOIN global_logout.operation p USING (id)
		)
		SELECT (l).operation_id, global_logout.operation_digest(o, l) AS digest,
			(l).subject_salt, (l).selection_salt, (l).actor_salt, (l).origin_salt
		FROM salted ORDER BY at, (l).operation_id
	LOOP
		IF added = most THEN
			more := true;
			EXIT;
		END IF;
		head.seq := head.seq + 1;
		head.hash := sha256(head.hash || link.digest);
		INSERT INTO global_logout.audit_link (seq, operation_id, digest, hash, subject_salt, selection_salt, actor_salt, origin_salt)
			VALUES (head.seq, link.operation_id, link.digest, head.hash, link.subject_salt, link.selection_salt, link.actor_salt, link.origin_salt);
		added := added + 1;
	END LOOP;
	UPDATE global_logout.audit_head SET seq = head.seq, hash = head.hash, sealed = CASE WHEN more THEN sealed ELSE seen END;
	RETURN added;
END $$;

CREATE FUNCTION global_logout.session_state(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, session_epoch integer, idle_timeout_seconds integer, max_age_seconds integer, policy_epoch integer, at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN (session_epoch < policy_epoch) THEN 'revoked'::text WHEN (at < global_logout.session_ends_at(expires, created_at, last_seen_at, session_epoch, idle_timeout_seconds, max_age_seconds, policy_epoch)) THEN 'valid'::text WHEN (at < global_logout.session_ends_at(expires, created_at, at, session_epoch, idle_timeout_seconds, max_age_seconds, policy_epoch)) THEN 'idle'::text WHEN (at >= global_logout.session_ends_at(expires, created_at, last_seen_at, session_epoch, idle_timeout_seconds, max_age_seconds, policy_epoch)) THEN 'expired'::text ELSE NULL::text END;

CREATE FUNCTION global_logout.settle_restored() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
BEGIN
	IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
		RAISE EXCEPTION 'settle_restored() has to come before anything else is written in its transaction'
			USING ERRCODE = 'active_sql_transaction';
	END IF;
	IF NOT global_logout.restored_elsewhere() THEN
		RETURN false;
	END IF;
	UPDATE global_logout.audit_head SET sealed = '1:1:';
	UPDATE global_logout.feed_horizon SET xid = '0' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	UPDATE global_logout.operation SET xid = '3' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	UPDATE global_logout.revoked_session SET xid = '3' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	UPDATE global_logout.replay SET xid = '3' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	DELETE FROM global_logout.session_change WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	DELETE FROM global_logout.instance WHERE pg_snapshot_xmax(applied) > pg_snapshot_xmax(pg_current_snapshot());
	RETURN true;
END $$;

CREATE FUNCTION global_logout.sign_in(token_hash text, user_id text, profile jsonb DEFAULT '{}'::jsonb, user_agent text DEFAULT NULL::text, ip_address inet DEFAULT NULL::inet, replaces text DEFAULT NULL::text, OUT xid text, OUT session_id uuid, OUT created_at timestamp with time zone, OUT expires_at timestamp with time zone, OUT ends_at timestamp with time zone) RETURNS record
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
	SELECT l.xid, l.session_id, l.created_at, l.expires_at, l.ends_at FROM global_logout.may_act_on_staff() AS for_staff,
		LATERAL global_logout.log_in(token_hash, user_id, profile, user_agent, ip_address, replaces,
			CASE WHEN NOT for_staff THEN '00000000-0000-0000-0000-000000000000'::uuid END, for_staff, NULL) l
$$;

CREATE FUNCTION global_logout.sign_out(token_hash text, scope text DEFAULT 'local'::text, user_agent text DEFAULT NULL::text, ip_address inet DEFAULT NULL::inet, request_id text DEFAULT NULL::text, OUT xid text, OUT ended boolean, OUT operation_id uuid, OUT revoked_count integer, OUT revoked jsonb) RETURNS record
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
	SELECT l.xid, l.outcome <> 'refused', l.operation_id, l.ended, l.revoked
	FROM global_logout.log_out(token_hash, scope, NULL, '{}', user_agent, ip_address, request_id, 100, true) l
$$;

CREATE FUNCTION global_logout.stamp_operation() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
	new.at := now();
	new.xid := pg_current_xact_id();
	RETURN new;
END $$;

CREATE FUNCTION global_logout.take_over(token_hash text, user_id text, expires timestamp with time zone, profile jsonb DEFAULT '{}'::jsonb, user_agent text DEFAULT NULL::text, ip_address inet DEFAULT NULL::inet, OUT xid text, OUT outcome text, OUT session_id uuid, OUT expires_at timestamp with time zone) RETURNS record
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
	SELECT t.* FROM global_logout.take_over(token_hash, user_id, expires, profile, user_agent, ip_address, global_logout.refuse_staff(user_id)) t
$$;

CREATE FUNCTION global_logout.take_over(token_hash text, user_id text, expires timestamp with time zone, profile jsonb, user_agent text, ip_address inet, key_id uuid, OUT xid text, OUT outcome text, OUT session_id uuid, OUT expires_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
#variable_conflict use_variable
DECLARE
	policy global_logout.session_policy;
	is_new boolean;
	made global_logout.session;
BEGIN
	PERFORM global_logout.begin_act(token_hash);
	SELECT * INTO STRICT policy FROM global_logout.session_policy;
	xid := pg_current_xact_id()::text;
	IF user_id <> '' IS NOT TRUE THEN
		outcome := 'no_user';
		RETURN;
	END IF;
	-- A logout of the user has committed when the lock is held, or waits; the next statements see it.
	is_new := global_logout.mirror_user(user_id, profile);
	made := global_logout.valid_session(token_hash);
	IF made."userId" <> user_id THEN
		made := NULL;
	END IF;
	outcome := CASE
		WHEN made.id IS NOT NULL THEN 'known'
		WHEN EXISTS (SELECT FROM global_logout.taken_over t WHERE t.session_token = token_hash)
			OR EXISTS (SELECT FROM global_logout.session s WHERE s."sessionToken" = token_hash)
			OR EXISTS (SELECT FROM global_logout.revoked_session r WHERE r.session_token = token_hash) THEN 'ended'
		WHEN expires > clock_timestamp() IS NOT TRUE THEN 'expired'
		WHEN EXISTS (SELECT FROM global_logout.user_lock l WHERE l.user_id = user_id AND coalesce(l.until > clock_timestamp(), true)) THEN 'locked'
		WHEN EXISTS (SELECT FROM global_logout.operation o WHERE o.user_id = user_id
				AND o.kind NOT IN ('session.end', 'session.replace', 'session.revoke', 'user.unlock', 'user.note', 'user.role', 'user.export',
					'replays.acknowledge')
				AND (o.kind = 'logout' AND o.scope = 'local') IS NOT TRUE)
			-- Whose record is erased.
			OR EXISTS (SELECT FROM global_logout.erased_user e WHERE e.id_hash = global_logout.erased_id_hash(user_id))
			-- Ended by SQL: it may have been meant for all.
			OR EXISTS (SELECT FROM global_logout.revoked_session r WHERE r.user_id = user_id AND r.operation_id IS NULL)
			OR EXISTS (SELECT FROM global_logout.incident i WHERE i.state <> 'planned'
				AND (i.user_ids IS NULL OR user_id = ANY (i.user_ids))) THEN 'signed_out'
		ELSE 'taken'
	END;
	IF outcome = 'taken' THEN
		INSERT INTO global_logout.taken_over (session_token) VALUES (token_hash) ON CONFLICT DO NOTHING;
		IF NOT FOUND THEN
			-- Meanwhile, for another user: this one is locked.
			outcome := 'ended';
		END IF;
	END IF;
	IF outcome = 'taken' THEN
		INSERT INTO global_logout.session ("sessionToken", "userId", expires, "createdAt", "ipAddress", "userAgent", "keyId")
			VALUES (token_hash, user_id, expires AT TIME ZONE 'utc',
				statement_timestamp() - make_interval(secs => policy.max_age_seconds::double precision / 2::double precision),
				ip_address, user_agent, key_id)
			RETURNING * INTO made;
	ELSIF outcome <> 'known' AND is_new THEN
		DELETE FROM global_logout."user" u WHERE u.id = user_id AND NOT EXISTS (SELECT FROM global_logout.session s WHERE s."userId" = user_id);
	END IF;
	session_id := made.id;
	expires_at := least(made.expires AT TIME ZONE 'utc', made."createdAt" + make_interval(secs => policy.max_age_seconds::double precision));
END $$;

CREATE FUNCTION global_logout.until_text(until timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
	SELECT coalesce(to_char(until AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'forever')
$$;

CREATE FUNCTION global_logout.use_session(token_hash text, activity boolean DEFAULT true) RETURNS TABLE(user_id text, session_id uuid, created_at timestamp with time zone, expires_at timestamp with time zone, ends_at timestamp with time zone)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
#variable_conflict use_column
DECLARE
	policy global_logout.session_policy;
	used global_logout.session := global_logout.valid_session(token_hash);
BEGIN
	PERFORM global_logout.begin_act();
	IF used.id IS NULL THEN
		RETURN;
	END IF;
	SELECT * INTO STRICT policy FROM global_logout.session_policy;
	IF (CASE WHEN activity THEN used."lastSeenAt" ELSE greatest(used."lastSeenAt", used."passiveAt") END) < statement_timestamp()
		- make_interval(secs => least(60::double precision, policy.idle_timeout_seconds::double precision / 4::double precision)) THEN
		-- A row that a logout has locked is skipped: a use is not worth a wait.
		UPDATE global_logout.session s SET
			"lastSeenAt" = CASE WHEN activity THEN statement_timestamp() ELSE s."lastSeenAt" END,
			"passiveAt" = CASE WHEN activity THEN s."passiveAt" ELSE statement_timestamp() END
			WHERE s.id = (SELECT due.id FROM global_logout.session due WHERE due.id = used.id FOR UPDATE SKIP LOCKED)
			RETURNING s.* INTO used;
		IF NOT FOUND THEN
			used := global_logout.valid_session(token_hash);
			IF used.id IS NULL THEN
				RETURN;
			END IF;
		END IF;
	END IF;
	RETURN QUERY SELECT used."userId", used.id, used."createdAt", used.expires AT TIME ZONE 'utc',
		global_logout.session_ends_at(used.expires, used."createdAt", used."lastSeenAt", used.epoch, policy.idle_timeout_seconds, policy.max_age_seconds, policy.epoch);
END $$;

CREATE FUNCTION global_logout.valid_session(token_hash text) RETURNS global_logout.session
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
	SELECT s FROM global_logout.session s, global_logout.session_policy p
	WHERE s."sessionToken" = token_hash
		AND clock_timestamp() < global_logout.session_ends_at(s.expires, s."createdAt", s."lastSeenAt", s.epoch, p.idle_timeout_seconds, p.max_age_seconds, p.epoch)
$$;

CREATE FUNCTION global_logout.without_user(selection jsonb, user_id text, email text) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
	SELECT CASE WHEN global_logout.names_user(selection, user_id, email) THEN (
		SELECT jsonb_object_agg(part.key, CASE WHEN part.key IN ('userIds', 'emails') THEN (
			SELECT coalesce(jsonb_agg(named), '[]') FROM jsonb_array_elements(part.value) named
			WHERE CASE part.key WHEN 'userIds' THEN named #>> '{}' <> user_id ELSE lower(named #>> '{}') IS DISTINCT FROM lower(email) END
		) ELSE part.value END) FROM jsonb_each(selection) part
	) ELSE selection END
$$;

CREATE TABLE global_logout.audit_head (
    singleton boolean DEFAULT true NOT NULL,
    seq bigint DEFAULT 0 NOT NULL,
    hash bytea NOT NULL,
    sealed pg_snapshot NOT NULL,
    CONSTRAINT audit_head_singleton CHECK (singleton)
);

CREATE TABLE global_logout.erased_user (
    id_hash bytea NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE global_logout.feed_horizon (
    singleton boolean DEFAULT true NOT NULL,
    xid xid8 NOT NULL,
    CONSTRAINT feed_horizon_singleton CHECK (singleton)
);

CREATE TABLE global_logout.incident_planned (
    incident_id uuid NOT NULL,
    part integer NOT NULL,
    session_ids uuid[] NOT NULL
);

CREATE TABLE global_logout.incident_runner (
    incident_id uuid NOT NULL,
    runner uuid NOT NULL,
    until timestamp with time zone NOT NULL
);

CREATE TABLE global_logout.instance (
    id uuid NOT NULL,
    beat bigint DEFAULT 0 NOT NULL,
    applied pg_snapshot,
    notices uuid[] DEFAULT '{}'::uuid[] NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE global_logout.job (
    name text NOT NULL,
    page bigint DEFAULT 0 NOT NULL,
    done_until timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE global_logout.migration (
    id integer NOT NULL,
    hash text NOT NULL,
    created_at bigint
);

CREATE SEQUENCE global_logout.migration_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE global_logout.migration_id_seq OWNED BY global_logout.migration.id;

CREATE TABLE global_logout.revoked_session (
    id bigint NOT NULL,
    session_id uuid NOT NULL,
    session_token text NOT NULL,
    user_id text NOT NULL,
    operation_id uuid,
    revoked_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    ip_address inet,
    user_agent text,
    of_many boolean DEFAULT false NOT NULL,
    device_name character varying(60)
)
WITH (autovacuum_vacuum_insert_scale_factor='0.02', autovacuum_vacuum_scale_factor='0.02', autovacuum_analyze_scale_factor='0.02');

ALTER TABLE global_logout.revoked_session ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME global_logout.revoked_session_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE global_logout.replay (
    id bigint DEFAULT nextval('global_logout.revoked_session_id_seq'::regclass) NOT NULL,
    session_id uuid NOT NULL,
    user_id text NOT NULL,
    operation_id uuid,
    count integer DEFAULT 1 NOT NULL,
    at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    ip_address inet,
    user_agent text,
    same_address boolean,
    same_program boolean,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    acknowledged_by uuid
);

CREATE TABLE global_logout.session_change (
    id bigint NOT NULL,
    session_token text NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL
);

ALTER TABLE global_logout.session_change ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME global_logout.session_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE global_logout.staff (
    user_id text NOT NULL,
    role text NOT NULL,
    granted_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT staff_roles CHECK ((role = ANY (ARRAY['security'::text, 'auditor'::text])))
);

CREATE TABLE global_logout.taken_over (
    session_token text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE global_logout."user" (
    id text NOT NULL,
    name text,
    email text,
    image text
);

CREATE TABLE global_logout.user_link (
    singleton boolean DEFAULT true NOT NULL,
    linked regclass NOT NULL,
    linked_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT user_link_singleton CHECK (singleton)
);

CREATE TABLE global_logout.user_lock (
    user_id text NOT NULL,
    until timestamp with time zone,
    reason text NOT NULL,
    locked_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT user_lock_dates CHECK (((until >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (until < '9999-12-31 00:00:00+00'::timestamp with time zone) AND (locked_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (locked_at < '9999-12-31 00:00:00+00'::timestamp with time zone)))
);

CREATE TABLE public.users (
    id text NOT NULL
);

ALTER TABLE ONLY global_logout.migration ALTER COLUMN id SET DEFAULT nextval('global_logout.migration_id_seq'::regclass);

INSERT INTO global_logout.audit_head (singleton, seq, hash, sealed) VALUES (true, 12, '\x34de1560c1c4e15a27f15c0dfa3a667ee515c4e1cb4a77ef120b4046d5430f7e', '734:734:');

INSERT INTO global_logout.audit_link (seq, operation_id, digest, hash, sealed_at, subject_salt, selection_salt, actor_salt, origin_salt, subject_hash, selection_hash, actor_hash, origin_hash) VALUES (1, '00000000-0000-4000-8000-000000000001', '\x027063fc2cdc1f5832f2028a57fd53be65f91b53df9aed1cf10ef347ab38afda', '\xe74c19292319e9d2b1f25e7b71dd11d4517e86c5baecda4d288079bdcfa8e1b5', '2026-11-28 12:39:05.591937+00', 'fcf36b97-5396-465f-87e5-3992164022ef', NULL, 'cc2d1ac8-7906-4670-b13f-8a07016c1e73', '53e7f8d3-4b28-44ba-a1bd-14a5ede9cee1', NULL, NULL, NULL, NULL);
INSERT INTO global_logout.audit_link (seq, operation_id, digest, hash, sealed_at, subject_salt, selection_salt, actor_salt, origin_salt, subject_hash, selection_hash, actor_hash, origin_hash) VALUES (2, '00000000-0000-4000-8000-000000000006', '\x3d42da837c3b80287b6ba2fff8c5c40e12e11b040c2d584ccdb0b9e208303f9a', '\x64a5e3970d896670992322696047077a3e57e3c9677fae550500c9fabacdf24e', '2026-11-28 12:39:05.591937+00', '758ae46e-bd06-469b-8a96-1704001fc8ef', '54f64cee-5b52-43f2-8924-3c1e80536b38', '65abdb75-d3ef-4254-9ef1-3b16d3ff5206', '4fdf4fd0-ec0c-41e5-bbc6-4b50a0a19f2a', NULL, NULL, NULL, NULL);
INSERT INTO global_logout.audit_link (seq, operation_id, digest, hash, sealed_at, subject_salt, selection_salt, actor_salt, origin_salt, subject_hash, selection_hash, actor_hash, origin_hash) VALUES (3, '00000000-0000-4000-8000-000000000007', '\x42e2529c932cae126cf835c34c23aa1f5dd0af84a1f3eda019f904ccd42d09ab', '\xda2ddfc43d0ce53b872b742c328a2e1b4f065ff5e99a3cd7e181bab7055b7e15', '2026-11-28 12:39:05.591937+00', '1aff39a2-e188-42ae-b96c-e3e9413909dd', NULL, '4bf018a5-b6d9-4329-85ae-7173df350dd1', '6e95a767-079d-4636-a91f-a641974fcd5b', NULL, NULL, NULL, NULL);
INSERT INTO global_logout.audit_link (seq, operation_id, digest, hash, sealed_at, subject_salt, selection_salt, actor_salt, origin_salt, subject_hash, selection_hash, actor_hash, origin_hash) VALUES (4, '0b306660-877e-438a-99a9-254a76d94df8', '\x1d957d3606c056b00af58c708bbc6f0fb4aab273d03bdf29bd836a5cf7884210', '\x44a4a2a8dcf742ecab6be8647a8a9a1eccb9012589db6efab64537f986f4cf8c', '2026-11-28 12:39:05.591937+00', '5431dde0-56af-4c5a-b272-e0623dc4ab7b', NULL, '0f52e791-e908-4b73-b860-353e4cd4d203', '32c91f37-518d-408e-b05d-d729e3b3e319', NULL, NULL, NULL, NULL);
INSERT INTO global_logout.audit_link (seq, operation_id, digest, hash, sealed_at, subject_salt, selection_salt, actor_salt, origin_salt, subject_hash, selection_hash, actor_hash, origin_hash) VALUES (5, '2634c290-d2ca-4aae-9e7c-32096118543d', '\x08c842e000bb7b398425c42166c3efc94994a0eaeb358db8e1b779b96e84d628', '\x04436c3d8545075e6f68e9de08cec2d93957b2b5746ceb106619758f7fb2a5f7', '2026-11-28 12:39:05.591937+00', 'e1169534-d929-46ca-890c-cb58d9a9b639', NULL, '30763ad7-b5c2-4423-9426-15d5b92cdc6c', '3413de42-dca6-4cf3-b8fd-db27659d41f3', NULL, NULL, NULL, NULL);
INSERT INTO global_logout.audit_link (seq, operation_id, digest, hash, sealed_at, subject_salt, selection_salt, actor_salt, origin_salt, subject_hash, selection_hash, actor_hash, origin_hash) VALUES (6, '2dd6ae1b-94db-4ee4-8920-5c0f2cee9a5f', '\xf69c2b63cec2694044e05eb1924d149eca95b9825ae3bfaf86ea8d6a3755579f', '\xb737b05932d702df0162f914e2c1544e92c7509aedd1e2fbe8cdc91654a8c367', '2026-11-28 12:39:05.591937+00', '94faa0f2-3c31-4e10-adf9-d9c23c747b83', NULL, 'f1e08e5c-390d-4c96-ac09-fd1e9bdbfc9a', '5e7d0bda-16b1-421b-a186-167d7cbb1d81', NULL, NULL, NULL, NULL);
INSERT INTO global_logout.audit_link (seq, operation_id, digest, hash, sealed_at, subject_salt, selection_salt, actor_salt, origin_salt, subject_hash, selection_hash, actor_hash, origin_hash) VALUES (7, '415e99a9-f083-43d5-a442-868f154cf760', '\x9c1459d8e4056b36390f938c05510dcec8863befdab38c820e5a1b19069ba839', '\x93ed4f951c869e77a3a156faae5949fcb9237951f21f4cd89ad4d130cfea0121', '2026-11-28 12:39:05.591937+00', 'aff5ddef-1b31-47d1-8132-2ac2bf8cadbf', NULL, '6160090a-55c2-4481-9efa-c9f4220aa468', 'd62c76fc-6e50-4ea4-a06b-dd819075d0f0', NULL, NULL, NULL, NULL);
INSERT INTO global_logout.audit_link (seq, operation_id, digest, hash, sealed_at, subject_salt, selection_salt, actor_salt, origin_salt, subject_hash, selection_hash, actor_hash, origin_hash) VALUES (8, '4b19ffa0-a336-469a-896d-c9f9ff92c2d8', '\xb160fa055ac03eb184bc478b8a972233b0bdfbc4581440af145a03aee6335588', '\x1f0907a5a198f578a2fa497b0eccbd531a80e87a37e47ad08f7ca157a6fa5301', '2026-11-28 12:39:05.591937+00', 'd6a285a6-fdff-42e4-86e6-c4a25351c19b', NULL, '2f3699b5-8cc7-4b7d-8a8b-44f9a80e91eb', 'fd11e4f9-310a-42ef-b3e6-0c3a9529e9f0', NULL, NULL, NULL, NULL);
INSERT INTO global_logout.audit_link (seq, operation_id, digest, hash, sealed_at, subject_salt, selection_salt, actor_salt, origin_salt, subject_hash, selection_hash, actor_hash, origin_hash) VALUES (9, '7838cd4d-f57a-4b3d-9b73-771a3e177f55', '\x930edafc2475c9035bf404e4c26e4f0488020c90c74e2581208ea603af444011', '\x5aa792e68d8c256e3d307d168c285ea03d59286e444808862a303afd4a81961f', '2026-11-28 12:39:05.591937+00', '62961850-68db-459c-9dbf-9a67e839fb7a', NULL, 'ab25ac93-688c-4557-bee0-5fed302e3896', 'ac5d8210-5bd6-4d18-a3c0-a3e81c8e06a6', NULL, NULL, NULL, NULL);
INSERT INTO global_logout.audit_link (seq, operation_id, digest, hash, sealed_at, subject_salt, selection_salt, actor_salt, origin_salt, subject_hash, selection_hash, actor_hash, origin_hash) VALUES (10, '7a50691b-00c8-4e77-99f0-579a4e75e37f', '\x8404ebbf5308cafb854a0aa7e5b32da1d6b187321bc5df0e0f6409f12978a493', '\xdffc0d1e660ff0777e27645fe8ae6828463e3ea6fb28ca544567dd8a1dfa9446', '2026-11-28 12:39:05.591937+00', '8eb85a19-b179-41b4-aecd-88925d80516e', NULL, 'eb412a9e-182d-4353-84ac-2a747ad72495', 'b9c3327c-5723-4443-a5f0-2f2e0b9883f5', NULL, NULL, NULL, NULL);
INSERT INTO global_logout.audit_link (seq, operation_id, digest, hash, sealed_at, subject_salt, selection_salt, actor_salt, origin_salt, subject_hash, selection_hash, actor_hash, origin_hash) VALUES (11, '9e5e1191-a315-4e7a-8177-4e1a9726447e', '\x2e7759b14f9f495e5240dd1cd0bcc4cba22faa4b15c5b1aa2aef60f7a9d0cf1d', '\x43669e4714ac0fb640a01516dbc55c6c7fffb5bffcb62ea24cfc0ab5f08ac335', '2026-11-28 12:39:05.591937+00', '3cb134da-c4ce-4d2e-a4b2-ca2f64508e7f', NULL, 'd2f95893-05ad-41a6-a5df-0d00b0f2434e', '1df428bb-485f-48ed-8da9-cb7e37014ab8', NULL, NULL, NULL, NULL);
INSERT INTO global_logout.audit_link (seq, operation_id, digest, hash, sealed_at, subject_salt, selection_salt, actor_salt, origin_salt, subject_hash, selection_hash, actor_hash, origin_hash) VALUES (12, 'e1d4e229-f1ab-4d1e-a5c3-902b38cec3a5', '\x0a8fe92f55ba9927d450b34464ec9deefbffa6ba1e361cf1028d5cd77c72a5d2', '\x34de1560c1c4e15a27f15c0dfa3a667ee515c4e1cb4a77ef120b4046d5430f7e', '2026-11-28 12:39:05.591937+00', '5c81e82f-7b18-425f-a982-d582d7a27a78', NULL, 'bc25ae9b-f173-45ec-92bb-f71be1899c39', 'e1db0ebd-4784-417b-9bf9-f7d51745f822', NULL, NULL, NULL, NULL);

INSERT INTO global_logout.erased_user (id_hash, at) VALUES ('\x730d3a3b09f365f58e5b15b6418d4f9f75572555f61017957be4d996be330ea4', '2026-11-28 12:39:05.591937+00');

INSERT INTO global_logout.feed_horizon (singleton, xid) VALUES (true, '3');

INSERT INTO global_logout.incident (id, state, reason, selection, user_ids, actor_kind, actor_id, planned_at, expires_at, planned_sessions, planned_users, estimated, staff_sessions, sample, operation_id, started_at, finished_at, ended, outcome, epoch, emails, breakdown, session_ids, users_to_lock, locks, lock_seconds, locked, needs_approval, approver_kind, approver_id, approved_at) VALUES ('00000000-0000-4000-8000-000000000003', 'planned', 'breach', '{"userAgent": "Phone"}', NULL, 'staff', 'grace', '2026-11-28 12:39:05.591937+00', '2060-01-01 00:00:00+00', 1, 1, false, 0, '[]', NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, 0, false, NULL, NULL, NULL);
INSERT INTO global_logout.incident (id, state, reason, selection, user_ids, actor_kind, actor_id, planned_at, expires_at, planned_sessions, planned_users, estimated, staff_sessions, sample, operation_id, started_at, finished_at, ended, outcome, epoch, emails, breakdown, session_ids, users_to_lock, locks, lock_seconds, locked, needs_approval, approver_kind, approver_id, approved_at) VALUES ('00000000-0000-4000-8000-000000000004', 'done', 'breach', '{"userIds": ["eve"]}', NULL, 'staff', 'grace', '2026-11-28 12:39:05.591937+00', '2060-01-01 00:00:00+00', 1, 1, false, 0, '[]', '00000000-0000-4000-8000-000000000006', '2026-11-28 12:39:05.591937+00', '2026-11-28 12:39:05.591937+00', 1, '{"users": 1, "waitedMs": 0, "stillOpen": {"reading": 0, "writing": 0}, "endedLater": 0, "endedPlanned": 1, "goneMeanwhile": 0, "staffSessions": 0}', NULL, NULL, NULL, NULL, NULL, false, NULL, 0, false, NULL, NULL, NULL);

INSERT INTO global_logout.incident_planned (incident_id, part, session_ids) VALUES ('00000000-0000-4000-8000-000000000003', 1, '{69d961dd-9260-4c5b-99e3-db9f387a6078}');

INSERT INTO global_logout.incident_runner (incident_id, runner, until) VALUES ('00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000005', '2026-01-01 00:00:00+00');

INSERT INTO global_logout.instance (id, beat, applied, notices) VALUES ('00000000-0000-4000-8000-000000000002', 7, '733:733:', '{}');

INSERT INTO global_logout.job (name, page, done_until) VALUES ('replays', 0, '2026-11-28 12:39:05.459152+00');
INSERT INTO global_logout.job (name, page, done_until) VALUES ('sweep', 0, '2026-11-28 12:39:05.459152+00');
INSERT INTO global_logout.job (name, page, done_until) VALUES ('addresses', 0, '2026-11-28 12:39:05.459152+00');

INSERT INTO global_logout.migration (id, hash, created_at) VALUES (1, '653ccb61b5201a597b53be752b135e83c520a501079e90d1db409e20d28acb63', 1795824000000);
INSERT INTO global_logout.migration (id, hash, created_at) VALUES (2, '3a26b468e56c62855d86fc5bb492a3514b4ee4f6e1daeeb4f8353ba6a52b4f16', 1795824001000);
INSERT INTO global_logout.migration (id, hash, created_at) VALUES (3, 'da9c0b8591f640beef9ab0e9a36224a7c9d33d38f5a588669318330e28983bc5', 1795824002000);
INSERT INTO global_logout.migration (id, hash, created_at) VALUES (4, '90303f179e3ffe7d45a8c6718a1744c9e50b7fa0eb9a35ce2c8619fe8db681ef', 1795824003000);
INSERT INTO global_logout.migration (id, hash, created_at) VALUES (5, '831f3d2bc1c3b315608c0d0b3d606ba86bf6b92a26f3bdc31d6347c2b9284b32', 1795824004000);
INSERT INTO global_logout.migration (id, hash, created_at) VALUES (6, 'a323973352eadc316b8d7353b3835b45137cf91158fcd9146685352eaddb8278', 1795824005000);
INSERT INTO global_logout.migration (id, hash, created_at) VALUES (7, 'e3244634526d48e215e69e67b3e81c24c866aa07e0772a9303b46123f5c0158d', 1795824006000);
INSERT INTO global_logout.migration (id, hash, created_at) VALUES (8, '569b38a3479d092cf31abafb61224d405c39d39c059b07241536fff824b73922', 1795824007000);

INSERT INTO global_logout.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms, erased_by) VALUES ('0b306660-877e-438a-99a9-254a76d94df8', 'logout', 'local', 'user', 'ada', '54ca56e4-788c-43a3-bc09-dec239f23e3b', 'ada', NULL, NULL, NULL, NULL, '2026-11-28 12:39:05.591937+00', 1, NULL, NULL, '732', NULL, NULL);
INSERT INTO global_logout.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms, erased_by) VALUES ('00000000-0000-4000-8000-000000000001', 'user.revoke', 'global', 'staff', 'grace', NULL, 'ada', 'stolen', '192.0.2.44', 'Desk', 'r-1', '2026-11-28 12:39:05.591937+00', 1, NULL, NULL, '732', 12, NULL);
INSERT INTO global_logout.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms, erased_by) VALUES ('e1d4e229-f1ab-4d1e-a5c3-902b38cec3a5', 'policy.change', NULL, 'database', 'postgres', NULL, NULL, NULL, '127.0.0.1', NULL, NULL, '2026-11-28 12:39:05.591937+00', 0, NULL, '{"before": {"maxAgeSeconds": 2592000, "idleTimeoutSeconds": 604800}, "maxAgeSeconds": 2000000000, "idleTimeoutSeconds": 2000000000}', '732', NULL, NULL);
INSERT INTO global_logout.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms, erased_by) VALUES ('415e99a9-f083-43d5-a442-868f154cf760', 'key.create', NULL, 'database', 'postgres', NULL, NULL, NULL, '127.0.0.1', NULL, NULL, '2026-11-28 12:39:05.591937+00', 0, NULL, '{"name": "api", "keyId": "6c802837-4bf9-4bc3-86da-a34dbe842564", "scopes": ["introspect", "events"], "expiresAt": null}', '732', NULL, NULL);
INSERT INTO global_logout.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms, erased_by) VALUES ('7838cd4d-f57a-4b3d-9b73-771a3e177f55', 'key.create', NULL, 'database', 'postgres', NULL, NULL, NULL, '127.0.0.1', NULL, NULL, '2026-11-28 12:39:05.591937+00', 0, NULL, '{"name": "old", "keyId": "9880c63a-e79f-4716-b906-ddb2092d8f95", "scopes": ["security"], "expiresAt": null}', '732', NULL, NULL);
INSERT INTO global_logout.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms, erased_by) VALUES ('9e5e1191-a315-4e7a-8177-4e1a9726447e', 'key.revoke', NULL, 'database', 'postgres', NULL, NULL, NULL, '127.0.0.1', NULL, NULL, '2026-11-28 12:39:05.591937+00', 0, NULL, '{"name": "old", "keyId": "9880c63a-e79f-4716-b906-ddb2092d8f95", "scopes": ["security"], "expiresAt": null}', '732', NULL, NULL);
INSERT INTO global_logout.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms, erased_by) VALUES ('4b19ffa0-a336-469a-896d-c9f9ff92c2d8', 'user.role', NULL, 'database', 'postgres', NULL, 'grace', NULL, '127.0.0.1', NULL, NULL, '2026-11-28 12:39:05.591937+00', 0, NULL, '{"role": "security", "before": null}', '732', NULL, NULL);
INSERT INTO global_logout.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms, erased_by) VALUES ('7a50691b-00c8-4e77-99f0-579a4e75e37f', 'user.role', NULL, 'database', 'postgres', NULL, 'alan', NULL, '127.0.0.1', NULL, NULL, '2026-11-28 12:39:05.591937+00', 0, NULL, '{"role": "auditor", "before": null}', '732', NULL, NULL);
INSERT INTO global_logout.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms, erased_by) VALUES ('2dd6ae1b-94db-4ee4-8920-5c0f2cee9a5f', 'user.lock', NULL, 'database', 'postgres', NULL, 'eve', 'stolen', '127.0.0.1', NULL, NULL, '2026-11-28 12:39:05.591937+00', 0, NULL, '{"lockedUntil": "forever"}', '732', NULL, NULL);
INSERT INTO global_logout.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms, erased_by) VALUES ('2634c290-d2ca-4aae-9e7c-32096118543d', 'user.lock', NULL, 'database', 'postgres', NULL, 'mallory', 'fraud', '127.0.0.1', NULL, NULL, '2026-11-28 12:39:05.591937+00', 0, NULL, '{"lockedUntil": "2080-01-01T00:00:00.000Z"}', '732', NULL, NULL);
INSERT INTO global_logout.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms, erased_by) VALUES ('00000000-0000-4000-8000-000000000006', 'incident.execute', NULL, 'staff', 'grace', NULL, NULL, 'breach', NULL, NULL, NULL, '2026-11-28 12:39:05.591937+00', 1, '{"userIds": ["eve"]}', '{"planId": "00000000-0000-4000-8000-000000000004"}', '733', NULL, NULL);
INSERT INTO global_logout.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms, erased_by) VALUES ('00000000-0000-4000-8000-000000000007', 'incident.finish', NULL, 'system', NULL, NULL, NULL, 'breach', NULL, NULL, NULL, '2026-11-28 12:39:05.591937+00', 0, NULL, '{"planId": "00000000-0000-4000-8000-000000000004", "operationId": "00000000-0000-4000-8000-000000000006"}', '733', NULL, NULL);

INSERT INTO global_logout.replay (id, session_id, user_id, operation_id, count, at, ip_address, user_agent, same_address, same_program, xid, acknowledged_by) VALUES (4, '54ca56e4-788c-43a3-bc09-dec239f23e3b', 'ada', '0b306660-877e-438a-99a9-254a76d94df8', 3, '2026-11-28 12:39:05.591937+00', '203.0.113.9', 'Thief', false, false, '733', NULL);
INSERT INTO global_logout.replay (id, session_id, user_id, operation_id, count, at, ip_address, user_agent, same_address, same_program, xid, acknowledged_by) VALUES (5, '725f4629-0214-46e1-ad3a-d8dc5d1cbd39', 'ada', '00000000-0000-4000-8000-000000000001', 3, '2026-11-28 12:39:05.591937+00', '203.0.113.9', 'Thief', false, false, '733', NULL);

INSERT INTO global_logout.revoked_session (id, session_id, session_token, user_id, operation_id, revoked_at, xid, created_at, last_seen_at, ip_address, user_agent, of_many, device_name) OVERRIDING SYSTEM VALUE VALUES (1, '54ca56e4-788c-43a3-bc09-dec239f23e3b', 'H73ISPARRBQpU2Y5n86loyAD5FLZnnld0MVWRV43AVI', 'ada', '0b306660-877e-438a-99a9-254a76d94df8', '2026-11-28 12:39:05.591937+00', '732', '2026-11-28 12:39:05.591937+00', '2026-11-28 12:39:05.591937+00', NULL, NULL, false, NULL);
INSERT INTO global_logout.revoked_session (id, session_id, session_token, user_id, operation_id, revoked_at, xid, created_at, last_seen_at, ip_address, user_agent, of_many, device_name) OVERRIDING SYSTEM VALUE VALUES (2, '725f4629-0214-46e1-ad3a-d8dc5d1cbd39', 'uD009XVVYkR_MszrrQ2Tn3gbE8V2qXgfnXVLvEknNeo', 'ada', '00000000-0000-4000-8000-000000000001', '2026-11-28 12:39:05.591937+00', '732', '2026-11-28 12:39:05.591937+00', '2026-11-28 12:39:05.591937+00', NULL, NULL, false, 'Lost tablet');
INSERT INTO global_logout.revoked_session (id, session_id, session_token, user_id, operation_id, revoked_at, xid, created_at, last_seen_at, ip_address, user_agent, of_many, device_name) OVERRIDING SYSTEM VALUE VALUES (3, 'ee28ed98-73b7-41a2-a8df-52db2fd1fd5d', 'aZzUxzVxeL9U2dPjqNM4vNIutWfWUSU9bHZK_lv3oHw', 'ada', NULL, '2026-11-28 12:39:05.591937+00', '733', '2026-11-28 12:39:05.591937+00', '2026-11-28 12:39:05.591937+00', NULL, NULL, false, NULL);
INSERT INTO global_logout.revoked_session (id, session_id, session_token, user_id, operation_id, revoked_at, xid, created_at, last_seen_at, ip_address, user_agent, of_many, device_name) OVERRIDING SYSTEM VALUE VALUES (6, 'b52105fd-aa95-49d4-94dc-004937f97daf', 'Atu3w581ZoJjm9W3cqdSs556ZgktThsLD4XrwNhQBb0', 'eve', '00000000-0000-4000-8000-000000000006', '2026-11-28 12:39:05.591937+00', '733', '2026-11-28 12:39:05.591937+00', '2026-11-28 12:39:05.591937+00', NULL, NULL, true, NULL);

INSERT INTO global_logout.service_key (id, name, key_hash, scopes, created_at, expires_at, last_used_at, revoked_at) VALUES ('6c802837-4bf9-4bc3-86da-a34dbe842564', 'api', 'B6AInF6OvIkd2JGMeQYR9ICTd8Ke0gpNV56Hwlp1gHI', '{introspect,events}', '2026-11-28 12:39:05.591937+00', NULL, '2026-11-28 12:39:05.591937+00', NULL);
INSERT INTO global_logout.service_key (id, name, key_hash, scopes, created_at, expires_at, last_used_at, revoked_at) VALUES ('9880c63a-e79f-4716-b906-ddb2092d8f95', 'old', 'x', '{security}', '2026-11-28 12:39:05.591937+00', NULL, NULL, '2026-11-28 12:39:05.591937+00');

INSERT INTO global_logout.session ("sessionToken", "userId", expires, id, "createdAt", "lastSeenAt", "passiveAt", "ipAddress", "userAgent", "keyId", epoch, "deviceName", "signInMethod", country, city) VALUES ('KwVRpe9QmpZU0cNrCao_sZOLj6rv4rJSf--2w6fLH1c', 'ada', '2026-01-01 00:00:00', '53ea54ed-36b6-4ca1-b8f7-01b79d732312', '2026-11-28 12:39:05.591937+00', '2026-11-28 12:39:05.591937+00', NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL);
INSERT INTO global_logout.session ("sessionToken", "userId", expires, id, "createdAt", "lastSeenAt", "passiveAt", "ipAddress", "userAgent", "keyId", epoch, "deviceName", "signInMethod", country, city) VALUES ('pUlmiwaIQsMZE30HJJ5_09bgAqj_LzcGnqtFGIqr2oQ', 'grace', 'infinity', '4fdb20c1-089e-473a-a76f-41475c50e22f', '2026-11-28 12:39:05.591937+00', '2026-11-28 12:39:05.591937+00', NULL, '192.0.2.44', 'Desk', NULL, 0, NULL, NULL, NULL, NULL);
INSERT INTO global_logout.session ("sessionToken", "userId", expires, id, "createdAt", "lastSeenAt", "passiveAt", "ipAddress", "userAgent", "keyId", epoch, "deviceName", "signInMethod", country, city) VALUES ('wN_UmCr69V2kE8_-N-6zt0q2M3XzyoN_QxzB1ONVRUc', 'ada', 'infinity', '69d961dd-9260-4c5b-99e3-db9f387a6078', '2026-11-28 12:39:05.591937+00', '2026-11-28 12:39:05.591937+00', NULL, '198.51.100.23', 'Phone', NULL, 0, 'Ada''s phone', 'passkey', 'GB', 'London');
INSERT INTO global_logout.session ("sessionToken", "userId", expires, id, "createdAt", "lastSeenAt", "passiveAt", "ipAddress", "userAgent", "keyId", epoch, "deviceName", "signInMethod", country, city) VALUES ('cA_pjEuayRMK61VDzalbn196Gl9EMeoBIxhLTa8AEXQ', 'ada', '2070-01-01 00:00:00', '52ef7189-ded8-405a-be7a-938b077c4a64', '2026-11-28 12:39:05.591937+00', '2026-11-28 12:39:05.591937+00', NULL, '2001:db8::7', 'Laptop', NULL, 0, NULL, NULL, NULL, NULL);

INSERT INTO global_logout.session_change (id, session_token, xid) OVERRIDING SYSTEM VALUE VALUES (1, 'cA_pjEuayRMK61VDzalbn196Gl9EMeoBIxhLTa8AEXQ', '733');

INSERT INTO global_logout.session_policy (singleton, idle_timeout_seconds, max_age_seconds, epoch) VALUES (true, 2000000000, 2000000000, 0);

INSERT INTO global_logout.staff (user_id, role, granted_at) VALUES ('grace', 'security', '2026-11-28 12:39:05.591937+00');
INSERT INTO global_logout.staff (user_id, role, granted_at) VALUES ('alan', 'auditor', '2026-11-28 12:39:05.591937+00');

INSERT INTO global_logout.taken_over (session_token, at) VALUES ('pUlmiwaIQsMZE30HJJ5_09bgAqj_LzcGnqtFGIqr2oQ', '2026-11-28 12:39:05.591937+00');

INSERT INTO global_logout."user" (id, name, email, image) VALUES ('ada', 'Ada Lovelace', 'ada@example.com', NULL);
INSERT INTO global_logout."user" (id, name, email, image) VALUES ('grace', 'Grace Hopper', 'grace@example.com', 'https://example.com/grace.png');
INSERT INTO global_logout."user" (id, name, email, image) VALUES ('eve', NULL, NULL, NULL);

INSERT INTO global_logout.user_link (singleton, linked, linked_at) VALUES (true, 'public.users', '2026-11-28 12:39:05.591937+00');

INSERT INTO global_logout.user_lock (user_id, until, reason, locked_at) VALUES ('eve', NULL, 'stolen', '2026-11-28 12:39:05.591937+00');
INSERT INTO global_logout.user_lock (user_id, until, reason, locked_at) VALUES ('mallory', '2080-01-01 00:00:00+00', 'fraud', '2026-11-28 12:39:05.591937+00');

SELECT pg_catalog.setval('global_logout.migration_id_seq', 8, true);

SELECT pg_catalog.setval('global_logout.revoked_session_id_seq', 6, true);

SELECT pg_catalog.setval('global_logout.session_change_id_seq', 1, true);

ALTER TABLE ONLY global_logout.audit_head
    ADD CONSTRAINT audit_head_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY global_logout.audit_link
    ADD CONSTRAINT audit_link_operation_id_unique UNIQUE (operation_id);

ALTER TABLE ONLY global_logout.audit_link
    ADD CONSTRAINT audit_link_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY global_logout.erased_user
    ADD CONSTRAINT erased_user_pkey PRIMARY KEY (id_hash);

ALTER TABLE ONLY global_logout.feed_horizon
    ADD CONSTRAINT feed_horizon_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY global_logout.incident
    ADD CONSTRAINT incident_epoch_unique UNIQUE (epoch);

ALTER TABLE ONLY global_logout.incident
    ADD CONSTRAINT incident_pkey PRIMARY KEY (id);

ALTER TABLE ONLY global_logout.incident_planned
    ADD CONSTRAINT incident_planned_incident_id_part_pk PRIMARY KEY (incident_id, part);

ALTER TABLE ONLY global_logout.incident_runner
    ADD CONSTRAINT incident_runner_pkey PRIMARY KEY (incident_id);

ALTER TABLE ONLY global_logout.instance
    ADD CONSTRAINT instance_pkey PRIMARY KEY (id);

ALTER TABLE ONLY global_logout.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (name);

ALTER TABLE ONLY global_logout.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (id);

ALTER TABLE global_logout.operation
    ADD CONSTRAINT operation_kinds CHECK (((kind = ANY (ARRAY['logout'::text, 'session.end'::text, 'session.replace'::text, 'user.delete'::text, 'session.revoke'::text, 'user.revoke'::text, 'user.lock'::text, 'user.unlock'::text, 'user.note'::text, 'user.role'::text, 'user.export'::text, 'user.erase'::text, 'incident.plan'::text, 'incident.approve'::text, 'incident.execute'::text, 'incident.finish'::text, 'key.create'::text, 'key.change'::text, 'key.revoke'::text, 'policy.change'::text, 'replays.acknowledge'::text, 'addresses.delete'::text])) AND (actor_kind = ANY (ARRAY['user'::text, 'service'::text, 'staff'::text, 'system'::text, 'database'::text])))) NOT VALID;

ALTER TABLE ONLY global_logout.operation
    ADD CONSTRAINT operation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY global_logout.replay
    ADD CONSTRAINT replay_pkey PRIMARY KEY (id);

ALTER TABLE ONLY global_logout.revoked_session
    ADD CONSTRAINT revoked_session_xid_id_pk PRIMARY KEY (xid, id);

ALTER TABLE ONLY global_logout.service_key
    ADD CONSTRAINT service_key_key_hash_unique UNIQUE (key_hash);

ALTER TABLE ONLY global_logout.service_key
    ADD CONSTRAINT service_key_pkey PRIMARY KEY (id);

ALTER TABLE ONLY global_logout.session_change
    ADD CONSTRAINT session_change_pkey PRIMARY KEY (id);

ALTER TABLE ONLY global_logout.session
    ADD CONSTRAINT session_id_unique UNIQUE (id);

ALTER TABLE ONLY global_logout.session
    ADD CONSTRAINT session_pkey PRIMARY KEY ("sessionToken");

ALTER TABLE ONLY global_logout.session_policy
    ADD CONSTRAINT session_policy_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY global_logout.staff
    ADD CONSTRAINT staff_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY global_logout.taken_over
    ADD CONSTRAINT taken_over_pkey PRIMARY KEY (session_token);

ALTER TABLE ONLY global_logout.user_link
    ADD CONSTRAINT user_link_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY global_logout.user_lock
    ADD CONSTRAINT user_lock_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY global_logout."user"
    ADD CONSTRAINT user_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

CREATE INDEX incident_planned_at_idx ON global_logout.incident USING btree (planned_at);

CREATE INDEX operation_actor_id_at_idx ON global_logout.operation USING btree (actor_id, at);

CREATE INDEX operation_at_id_idx ON global_logout.operation USING btree (at, id);

CREATE INDEX operation_erased_by_idx ON global_logout.operation USING btree (erased_by) WHERE (erased_by IS NOT NULL);

CREATE INDEX operation_kind_at_idx ON global_logout.operation USING btree (kind, at);

CREATE INDEX operation_user_id_at_idx ON global_logout.operation USING btree (user_id, at);

CREATE INDEX operation_xid_idx ON global_logout.operation USING btree (xid);

CREATE INDEX replay_at_idx ON global_logout.replay USING btree (at);

CREATE INDEX replay_user_id_at_idx ON global_logout.replay USING btree (user_id, at);

CREATE INDEX replay_xid_id_idx ON global_logout.replay USING btree (xid, id);

CREATE INDEX revoked_session_external_idx ON global_logout.revoked_session USING btree (revoked_at, xid, user_id) WHERE (operation_id IS NULL);

CREATE INDEX revoked_session_of_many_idx ON global_logout.revoked_session USING btree (operation_id, id) WHERE of_many;

CREATE INDEX revoked_session_revoked_at_idx ON global_logout.revoked_session USING brin (revoked_at) WITH (autosummarize='on');

CREATE INDEX revoked_session_session_token_idx ON global_logout.revoked_session USING hash (session_token);

CREATE INDEX revoked_session_user_id_id_idx ON global_logout.revoked_session USING btree (user_id, id);

CREATE INDEX session_change_xid_idx ON global_logout.session_change USING btree (xid);

CREATE INDEX "session_createdAt_idx" ON global_logout.session USING brin ("createdAt" timestamptz_minmax_multi_ops) WITH (autosummarize='on');

CREATE INDEX "session_ipAddress_idx" ON global_logout.session USING btree ("ipAddress");

CREATE INDEX "session_userId_idx" ON global_logout.session USING btree ("userId");

CREATE INDEX staff_user_id_prefix_idx ON global_logout.staff USING btree (lower(user_id) text_pattern_ops);

CREATE INDEX taken_over_at_idx ON global_logout.taken_over USING btree (at);

CREATE INDEX user_email_prefix_idx ON global_logout."user" USING btree (lower("left"(email, 600)) text_pattern_ops);

CREATE INDEX user_id_prefix_idx ON global_logout."user" USING btree (lower(id) text_pattern_ops);

CREATE INDEX user_lock_user_id_prefix_idx ON global_logout.user_lock USING btree (lower(user_id) text_pattern_ops);

CREATE INDEX user_name_prefix_idx ON global_logout."user" USING btree (lower("left"(name, 600)) text_pattern_ops);

CREATE TRIGGER incident_begins_epoch BEFORE INSERT OR UPDATE OF state, epoch ON global_logout.incident FOR EACH ROW EXECUTE FUNCTION global_logout.begin_epoch();

CREATE TRIGGER incident_not_from_the_future BEFORE INSERT OR UPDATE OF planned_at, started_at, finished_at ON global_logout.incident FOR EACH ROW WHEN (((new.planned_at > (clock_timestamp() + make_interval(mins => 1))) OR (new.started_at > (clock_timestamp() + make_interval(mins => 1))) OR (new.finished_at > (clock_timestamp() + make_interval(mins => 1))))) EXECUTE FUNCTION global_logout.refuse_future('planned_at', 'started_at', 'finished_at');

CREATE CONSTRAINT TRIGGER incident_recorded AFTER INSERT OR UPDATE OF state, operation_id, started_at ON global_logout.incident DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION global_logout.require_incident_operation();

CREATE TRIGGER incident_stays_done BEFORE UPDATE ON global_logout.incident FOR EACH ROW WHEN (((old.state = 'done'::text) AND ((to_jsonb(new.*) - ARRAY['selection'::text, 'user_ids'::text, 'sample'::text]) IS DISTINCT FROM (to_jsonb(old.*) - ARRAY['selection'::text, 'user_ids'::text, 'sample'::text])))) EXECUTE FUNCTION global_logout.refuse_changed_outcome();

CREATE TRIGGER operation_stamped BEFORE INSERT ON global_logout.operation FOR EACH ROW EXECUTE FUNCTION global_logout.stamp_operation();

CREATE TRIGGER replay_not_from_the_future BEFORE INSERT OR UPDATE OF at ON global_logout.replay FOR EACH ROW WHEN ((new.at > (clock_timestamp() + make_interval(mins => 1)))) EXECUTE FUNCTION global_logout.refuse_future('at');

CREATE TRIGGER service_key_not_from_the_future BEFORE INSERT OR UPDATE OF created_at, last_used_at, revoked_at ON global_logout.service_key FOR EACH ROW WHEN (((new.created_at > (clock_timestamp() + make_interval(mins => 1))) OR (new.last_used_at > (clock_timestamp() + make_interval(mins => 1))) OR (new.revoked_at > (clock_timestamp() + make_interval(mins => 1))))) EXECUTE FUNCTION global_logout.refuse_future('created_at', 'last_used_at', 'revoked_at');

CREATE CONSTRAINT TRIGGER service_key_recorded AFTER INSERT OR DELETE OR UPDATE OF id, name, key_hash, scopes, created_at, expires_at, revoked_at ON global_logout.service_key DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION global_logout.record_key_change();

CREATE TRIGGER service_key_stays_revoked BEFORE UPDATE ON global_logout.service_key FOR EACH ROW WHEN (((old.revoked_at IS NOT NULL) AND ((new.id IS DISTINCT FROM old.id) OR (new.name IS DISTINCT FROM old.name) OR (new.key_hash IS DISTINCT FROM old.key_hash) OR (new.scopes IS DISTINCT FROM old.scopes) OR (new.created_at IS DISTINCT FROM old.created_at) OR (new.expires_at IS DISTINCT FROM old.expires_at) OR (new.revoked_at IS DISTINCT FROM old.revoked_at)))) EXECUTE FUNCTION global_logout.refuse_revived_key();

CREATE TRIGGER service_key_truncated BEFORE TRUNCATE ON global_logout.service_key FOR EACH STATEMENT EXECUTE FUNCTION global_logout.record_truncation();

CREATE TRIGGER session_admitted BEFORE INSERT OR UPDATE OF "userId", epoch ON global_logout.session FOR EACH ROW EXECUTE FUNCTION global_logout.admit_session();

CREATE TRIGGER session_deleted AFTER DELETE ON global_logout.session REFERENCING OLD TABLE AS ended FOR EACH STATEMENT EXECUTE FUNCTION global_logout.record_revocations();

CREATE TRIGGER session_ended_by_update AFTER UPDATE ON global_logout.session FOR EACH ROW WHEN (((new.expires < old.expires) OR (new."createdAt" < old."createdAt") OR (new."lastSeenAt" < old."lastSeenAt") OR (new."sessionToken" <> old."sessionToken") OR (new."userId" <> old."userId") OR (new.id <> old.id))) EXECUTE FUNCTION global_logout.record_ending_update();

CREATE TRIGGER session_not_from_the_future BEFORE UPDATE OF "createdAt", "lastSeenAt" ON global_logout.session FOR EACH ROW WHEN (((new."createdAt" > (clock_timestamp() + make_interval(mins => 1))) OR (new."lastSeenAt" > (clock_timestamp() + make_interval(mins => 1))))) EXECUTE FUNCTION global_logout.refuse_future('createdAt', 'lastSeenAt');

CREATE TRIGGER session_not_revived BEFORE UPDATE ON global_logout.session FOR EACH ROW WHEN (((new.expires > old.expires) OR (new."createdAt" > old."createdAt") OR (new."lastSeenAt" > old."lastSeenAt"))) EXECUTE FUNCTION global_logout.refuse_revival();

CREATE CONSTRAINT TRIGGER session_policy_recorded AFTER INSERT OR DELETE OR UPDATE ON global_logout.session_policy DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION global_logout.record_policy_change();

CREATE TRIGGER session_policy_truncated BEFORE TRUNCATE ON global_logout.session_policy FOR EACH STATEMENT EXECUTE FUNCTION global_logout.record_truncation();

CREATE TRIGGER session_truncated BEFORE TRUNCATE ON global_logout.session FOR EACH STATEMENT EXECUTE FUNCTION global_logout.delete_before_truncate();

CREATE TRIGGER staff_not_from_the_future BEFORE INSERT OR UPDATE OF granted_at ON global_logout.staff FOR EACH ROW WHEN ((new.granted_at > (clock_timestamp() + make_interval(mins => 1)))) EXECUTE FUNCTION global_logout.refuse_future('granted_at');

CREATE CONSTRAINT TRIGGER staff_recorded AFTER INSERT OR DELETE OR UPDATE ON global_logout.staff DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION global_logout.record_role_change();

CREATE TRIGGER staff_truncated BEFORE TRUNCATE ON global_logout.staff FOR EACH STATEMENT EXECUTE FUNCTION global_logout.record_truncation();

CREATE TRIGGER user_lock_announced BEFORE INSERT OR UPDATE ON global_logout.user_lock FOR EACH ROW EXECUTE FUNCTION global_logout.announce_lock();

CREATE TRIGGER user_lock_not_from_the_future BEFORE INSERT OR UPDATE OF locked_at ON global_logout.user_lock FOR EACH ROW WHEN ((new.locked_at > (clock_timestamp() + make_interval(mins => 1)))) EXECUTE FUNCTION global_logout.refuse_future('locked_at');

CREATE CONSTRAINT TRIGGER user_lock_recorded AFTER INSERT OR DELETE OR UPDATE ON global_logout.user_lock DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION global_logout.record_lock_change();

CREATE TRIGGER user_lock_truncated BEFORE TRUNCATE ON global_logout.user_lock FOR EACH STATEMENT EXECUTE FUNCTION global_logout.record_truncation();

CREATE TRIGGER user_not_renamed BEFORE UPDATE OF id ON global_logout."user" FOR EACH ROW WHEN ((new.id <> old.id)) EXECUTE FUNCTION global_logout.refuse_renaming();

ALTER TABLE ONLY global_logout.session
    ADD CONSTRAINT "session_userId_user_id_fk" FOREIGN KEY ("userId") REFERENCES global_logout."user"(id) ON DELETE CASCADE;

GRANT USAGE ON SCHEMA global_logout TO global_logout_service;
GRANT USAGE ON SCHEMA global_logout TO global_logout_checker;
GRANT USAGE ON SCHEMA global_logout TO global_logout_application;
GRANT USAGE ON SCHEMA global_logout TO global_logout_staff_application;

REVOKE ALL ON FUNCTION global_logout.acknowledge_revocations(instance_id uuid, snapshot pg_snapshot, digests uuid[], beats boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.acknowledge_revocations(instance_id uuid, snapshot pg_snapshot, digests uuid[], beats boolean) TO global_logout_application;
GRANT ALL ON FUNCTION global_logout.acknowledge_revocations(instance_id uuid, snapshot pg_snapshot, digests uuid[], beats boolean) TO global_logout_staff_application;

GRANT SELECT,INSERT ON TABLE global_logout.operation TO global_logout_service;

GRANT UPDATE(waited_ms) ON TABLE global_logout.operation TO global_logout_service;

GRANT SELECT,INSERT,DELETE ON TABLE global_logout.session TO global_logout_service;

GRANT SELECT("sessionToken") ON TABLE global_logout.session TO global_logout_checker;

GRANT SELECT("userId") ON TABLE global_logout.session TO global_logout_checker;

GRANT SELECT(expires) ON TABLE global_logout.session TO global_logout_checker;

GRANT SELECT(id) ON TABLE global_logout.session TO global_logout_checker;

GRANT SELECT("createdAt") ON TABLE global_logout.session TO global_logout_checker;

GRANT UPDATE("lastSeenAt") ON TABLE global_logout.session TO global_logout_service;
GRANT SELECT("lastSeenAt") ON TABLE global_logout.session TO global_logout_checker;

GRANT UPDATE("passiveAt") ON TABLE global_logout.session TO global_logout_service;
GRANT SELECT("passiveAt") ON TABLE global_logout.session TO global_logout_checker;

GRANT SELECT(epoch) ON TABLE global_logout.session TO global_logout_checker;

GRANT UPDATE("deviceName") ON TABLE global_logout.session TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.act_of_user(kind text, scope text, asker global_logout.session, ip_address inet, user_agent text, request_id text) FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.admit_session() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.announce_lock() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.begin_act(VARIADIC required text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.begin_epoch() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.session_ends_at(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, session_epoch integer, idle_timeout_seconds integer, max_age_seconds integer, policy_epoch integer) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.session_ends_at(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, session_epoch integer, idle_timeout_seconds integer, max_age_seconds integer, policy_epoch integer) TO global_logout_service;
GRANT ALL ON FUNCTION global_logout.session_ends_at(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, session_epoch integer, idle_timeout_seconds integer, max_age_seconds integer, policy_epoch integer) TO global_logout_checker;

GRANT SELECT ON TABLE global_logout.session_policy TO global_logout_service;
GRANT SELECT ON TABLE global_logout.session_policy TO global_logout_checker;

GRANT UPDATE(idle_timeout_seconds) ON TABLE global_logout.session_policy TO global_logout_service;

GRANT UPDATE(max_age_seconds) ON TABLE global_logout.session_policy TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.check_tokens(token_hashes text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.check_tokens(token_hashes text[]) TO global_logout_service;
GRANT ALL ON FUNCTION global_logout.check_tokens(token_hashes text[]) TO global_logout_checker;

REVOKE ALL ON FUNCTION global_logout.check_tokens_pooled(token_hashes text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.check_tokens_pooled(token_hashes text[]) TO global_logout_service;
GRANT ALL ON FUNCTION global_logout.check_tokens_pooled(token_hashes text[]) TO global_logout_checker;

REVOKE ALL ON FUNCTION global_logout.delete_addresses(retention_seconds bigint, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.delete_addresses(retention_seconds bigint, most integer) TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.delete_before_truncate() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.delete_user(user_id text, OUT xid text, OUT ended integer) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.delete_user(user_id text, OUT xid text, OUT ended integer) TO global_logout_application;
GRANT ALL ON FUNCTION global_logout.delete_user(user_id text, OUT xid text, OUT ended integer) TO global_logout_staff_application;

REVOKE ALL ON FUNCTION global_logout.end_sessions(act global_logout.operation, only_id uuid, except_id uuid, most integer, OUT operation_id uuid, OUT ended integer, OUT ids uuid[], OUT revoked jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.end_sessions(act global_logout.operation, only_id uuid, except_id uuid, most integer, OUT operation_id uuid, OUT ended integer, OUT ids uuid[], OUT revoked jsonb) TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.erase_user(user_id text, act jsonb, OUT xid text, OUT outcome text, OUT operation_id uuid, OUT ids uuid[], OUT erased jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.erase_user(user_id text, act jsonb, OUT xid text, OUT outcome text, OUT operation_id uuid, OUT ids uuid[], OUT erased jsonb) TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.erased_id_hash(user_id text) FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.erasure_digest(erasure uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.erasure_digest(erasure uuid) TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.follow_users() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.grant_roles() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.index_users() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.join_instances(instance_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.join_instances(instance_id uuid) TO global_logout_application;
GRANT ALL ON FUNCTION global_logout.join_instances(instance_id uuid) TO global_logout_staff_application;

REVOKE ALL ON FUNCTION global_logout.kept_act(act global_logout.operation, id uuid, session_ids uuid[]) FROM PUBLIC;

GRANT SELECT,INSERT ON TABLE global_logout.service_key TO global_logout_service;

GRANT UPDATE(last_used_at) ON TABLE global_logout.service_key TO global_logout_service;

GRANT UPDATE(revoked_at) ON TABLE global_logout.service_key TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.key_facts(key global_logout.service_key) FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.lagging_instances(xids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.lagging_instances(xids text[]) TO global_logout_application;
GRANT ALL ON FUNCTION global_logout.lagging_instances(xids text[]) TO global_logout_staff_application;

REVOKE ALL ON FUNCTION global_logout.leave_instances(instance_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.leave_instances(instance_id uuid) TO global_logout_application;
GRANT ALL ON FUNCTION global_logout.leave_instances(instance_id uuid) TO global_logout_staff_application;

REVOKE ALL ON FUNCTION global_logout.log_in(token_hash text, user_id text, profile jsonb, user_agent text, ip_address inet, replaces text, key_id uuid, for_staff boolean, request_id text, OUT xid text, OUT session_id uuid, OUT created_at timestamp with time zone, OUT expires_at timestamp with time zone, OUT ends_at timestamp with time zone, OUT acts text) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.log_in(token_hash text, user_id text, profile jsonb, user_agent text, ip_address inet, replaces text, key_id uuid, for_staff boolean, request_id text, OUT xid text, OUT session_id uuid, OUT created_at timestamp with time zone, OUT expires_at timestamp with time zone, OUT ends_at timestamp with time zone, OUT acts text) TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.log_out(token_hash text, scope text, only_id uuid, others text[], user_agent text, ip_address inet, request_id text, most integer, may_be_large boolean, OUT xid text, OUT outcome text, OUT signed_out boolean, OUT operation_id uuid, OUT ended integer, OUT revoked jsonb, OUT sessions integer, OUT acts text) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.log_out(token_hash text, scope text, only_id uuid, others text[], user_agent text, ip_address inet, request_id text, most integer, may_be_large boolean, OUT xid text, OUT outcome text, OUT signed_out boolean, OUT operation_id uuid, OUT ended integer, OUT revoked jsonb, OUT sessions integer, OUT acts text) TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.may_act_on_staff() FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.may_act_on_staff() TO global_logout_service;
GRANT ALL ON FUNCTION global_logout.may_act_on_staff() TO global_logout_staff_application;

REVOKE ALL ON FUNCTION global_logout.mirror_user(user_id text, profile jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.named_operation() FROM PUBLIC;

GRANT SELECT,INSERT ON TABLE global_logout.incident TO global_logout_service;

GRANT UPDATE(state) ON TABLE global_logout.incident TO global_logout_service;

GRANT UPDATE(operation_id) ON TABLE global_logout.incident TO global_logout_service;

GRANT UPDATE(started_at) ON TABLE global_logout.incident TO global_logout_service;

GRANT UPDATE(finished_at) ON TABLE global_logout.incident TO global_logout_service;

GRANT UPDATE(ended) ON TABLE global_logout.incident TO global_logout_service;

GRANT UPDATE(outcome) ON TABLE global_logout.incident TO global_logout_service;

GRANT UPDATE(emails) ON TABLE global_logout.incident TO global_logout_service;

GRANT UPDATE(breakdown) ON TABLE global_logout.incident TO global_logout_service;

GRANT UPDATE(locked) ON TABLE global_logout.incident TO global_logout_service;

GRANT UPDATE(needs_approval) ON TABLE global_logout.incident TO global_logout_service;

GRANT UPDATE(approver_kind) ON TABLE global_logout.incident TO global_logout_service;

GRANT UPDATE(approver_id) ON TABLE global_logout.incident TO global_logout_service;

GRANT UPDATE(approved_at) ON TABLE global_logout.incident TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.names_user(i global_logout.incident, user_id text, email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.names_user(selection jsonb, user_id text, email text) FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.operation_digest(o global_logout.operation) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.operation_digest(o global_logout.operation) TO global_logout_service;

GRANT SELECT ON TABLE global_logout.audit_link TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.operation_parts(o global_logout.operation, l global_logout.audit_link) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.operation_parts(o global_logout.operation, l global_logout.audit_link) TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.operation_digest(o global_logout.operation, l global_logout.audit_link) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.operation_digest(o global_logout.operation, l global_logout.audit_link) TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.prune_feed(retention_seconds bigint, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.prune_feed(retention_seconds bigint, most integer) TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.read_revocations(instance_id uuid, since pg_snapshot, OUT snapshot text, OUT policy text, OUT tokens text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.read_revocations(instance_id uuid, since pg_snapshot, OUT snapshot text, OUT policy text, OUT tokens text[]) TO global_logout_application;
GRANT ALL ON FUNCTION global_logout.read_revocations(instance_id uuid, since pg_snapshot, OUT snapshot text, OUT policy text, OUT tokens text[]) TO global_logout_staff_application;

REVOKE ALL ON FUNCTION global_logout.read_sessions(token_hashes text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.read_sessions(token_hashes text[]) TO global_logout_application;
GRANT ALL ON FUNCTION global_logout.read_sessions(token_hashes text[]) TO global_logout_staff_application;

REVOKE ALL ON FUNCTION global_logout.read_tokens(token_hashes text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.read_tokens(token_hashes text[]) TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.record_ending_update() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.record_key_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.record_lock_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.record_operation(kind text, user_id text, reason text, result jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.record_policy_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.record_revocations() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.record_role_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.record_truncation() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.record_uses(session_ids uuid[], activity boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.record_uses(session_ids uuid[], activity boolean) TO global_logout_application;
GRANT ALL ON FUNCTION global_logout.record_uses(session_ids uuid[], activity boolean) TO global_logout_staff_application;

REVOKE ALL ON FUNCTION global_logout.redo_operation(act jsonb, session_ids uuid[], relock boolean, OUT xid text, OUT ended integer) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.redo_operation(act jsonb, session_ids uuid[], relock boolean, OUT xid text, OUT ended integer) TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.refuse_changed_outcome() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.refuse_future() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.refuse_renaming() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.refuse_revival() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.refuse_revived_key() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.refuse_staff(user_id text) FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.remove_user(user_id text, actor_kind text, actor_id text, request_id text, OUT xid text, OUT operation_id uuid, OUT ended integer) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.remove_user(user_id text, actor_kind text, actor_id text, request_id text, OUT xid text, OUT operation_id uuid, OUT ended integer) TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.require_incident_operation() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.restored_elsewhere() FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.restored_elsewhere() TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.revoke_sessions(act jsonb, session_ids uuid[], most integer, OUT xid text, OUT outcome text, OUT operation_id uuid, OUT ended integer, OUT revoked jsonb, OUT acts text) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.revoke_sessions(act jsonb, session_ids uuid[], most integer, OUT xid text, OUT outcome text, OUT operation_id uuid, OUT ended integer, OUT revoked jsonb, OUT acts text) TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.revoke_user(act jsonb, locks boolean, lock_seconds integer, may_be_unknown boolean, most integer, may_be_large boolean, OUT xid text, OUT outcome text, OUT operation_id uuid, OUT ended integer, OUT revoked jsonb, OUT sessions integer, OUT acts text, OUT locked_until timestamp with time zone, OUT lock_reason text, OUT locked_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.revoke_user(act jsonb, locks boolean, lock_seconds integer, may_be_unknown boolean, most integer, may_be_large boolean, OUT xid text, OUT outcome text, OUT operation_id uuid, OUT ended integer, OUT revoked jsonb, OUT sessions integer, OUT acts text, OUT locked_until timestamp with time zone, OUT lock_reason text, OUT locked_at timestamp with time zone) TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.seal_operations(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.seal_operations(most integer) TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.session_state(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, session_epoch integer, idle_timeout_seconds integer, max_age_seconds integer, policy_epoch integer, at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.session_state(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, session_epoch integer, idle_timeout_seconds integer, max_age_seconds integer, policy_epoch integer, at timestamp with time zone) TO global_logout_service;
GRANT ALL ON FUNCTION global_logout.session_state(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, session_epoch integer, idle_timeout_seconds integer, max_age_seconds integer, policy_epoch integer, at timestamp with time zone) TO global_logout_checker;

REVOKE ALL ON FUNCTION global_logout.settle_restored() FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.settle_restored() TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.sign_in(token_hash text, user_id text, profile jsonb, user_agent text, ip_address inet, replaces text, OUT xid text, OUT session_id uuid, OUT created_at timestamp with time zone, OUT expires_at timestamp with time zone, OUT ends_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.sign_in(token_hash text, user_id text, profile jsonb, user_agent text, ip_address inet, replaces text, OUT xid text, OUT session_id uuid, OUT created_at timestamp with time zone, OUT expires_at timestamp with time zone, OUT ends_at timestamp with time zone) TO global_logout_application;
GRANT ALL ON FUNCTION global_logout.sign_in(token_hash text, user_id text, profile jsonb, user_agent text, ip_address inet, replaces text, OUT xid text, OUT session_id uuid, OUT created_at timestamp with time zone, OUT expires_at timestamp with time zone, OUT ends_at timestamp with time zone) TO global_logout_staff_application;

REVOKE ALL ON FUNCTION global_logout.sign_out(token_hash text, scope text, user_agent text, ip_address inet, request_id text, OUT xid text, OUT ended boolean, OUT operation_id uuid, OUT revoked_count integer, OUT revoked jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.sign_out(token_hash text, scope text, user_agent text, ip_address inet, request_id text, OUT xid text, OUT ended boolean, OUT operation_id uuid, OUT revoked_count integer, OUT revoked jsonb) TO global_logout_application;
GRANT ALL ON FUNCTION global_logout.sign_out(token_hash text, scope text, user_agent text, ip_address inet, request_id text, OUT xid text, OUT ended boolean, OUT operation_id uuid, OUT revoked_count integer, OUT revoked jsonb) TO global_logout_staff_application;

REVOKE ALL ON FUNCTION global_logout.stamp_operation() FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.take_over(token_hash text, user_id text, expires timestamp with time zone, profile jsonb, user_agent text, ip_address inet, OUT xid text, OUT outcome text, OUT session_id uuid, OUT expires_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.take_over(token_hash text, user_id text, expires timestamp with time zone, profile jsonb, user_agent text, ip_address inet, OUT xid text, OUT outcome text, OUT session_id uuid, OUT expires_at timestamp with time zone) TO global_logout_application;
GRANT ALL ON FUNCTION global_logout.take_over(token_hash text, user_id text, expires timestamp with time zone, profile jsonb, user_agent text, ip_address inet, OUT xid text, OUT outcome text, OUT session_id uuid, OUT expires_at timestamp with time zone) TO global_logout_staff_application;
GRANT ALL ON FUNCTION global_logout.take_over(token_hash text, user_id text, expires timestamp with time zone, profile jsonb, user_agent text, ip_address inet, OUT xid text, OUT outcome text, OUT session_id uuid, OUT expires_at timestamp with time zone) TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.take_over(token_hash text, user_id text, expires timestamp with time zone, profile jsonb, user_agent text, ip_address inet, key_id uuid, OUT xid text, OUT outcome text, OUT session_id uuid, OUT expires_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.take_over(token_hash text, user_id text, expires timestamp with time zone, profile jsonb, user_agent text, ip_address inet, key_id uuid, OUT xid text, OUT outcome text, OUT session_id uuid, OUT expires_at timestamp with time zone) TO global_logout_service;

REVOKE ALL ON FUNCTION global_logout.until_text(until timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.use_session(token_hash text, activity boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION global_logout.use_session(token_hash text, activity boolean) TO global_logout_application;
GRANT ALL ON FUNCTION global_logout.use_session(token_hash text, activity boolean) TO global_logout_staff_application;

REVOKE ALL ON FUNCTION global_logout.valid_session(token_hash text) FROM PUBLIC;

REVOKE ALL ON FUNCTION global_logout.without_user(selection jsonb, user_id text, email text) FROM PUBLIC;

GRANT SELECT ON TABLE global_logout.audit_head TO global_logout_service;

GRANT SELECT ON TABLE global_logout.feed_horizon TO global_logout_service;

GRANT SELECT,INSERT,DELETE ON TABLE global_logout.incident_planned TO global_logout_service;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE global_logout.incident_runner TO global_logout_service;

GRANT SELECT,INSERT,DELETE ON TABLE global_logout.instance TO global_logout_service;

GRANT UPDATE(beat) ON TABLE global_logout.instance TO global_logout_service;

GRANT UPDATE(applied) ON TABLE global_logout.instance TO global_logout_service;

GRANT UPDATE(notices) ON TABLE global_logout.instance TO global_logout_service;

GRANT SELECT ON TABLE global_logout.job TO global_logout_service;

GRANT UPDATE(page) ON TABLE global_logout.job TO global_logout_service;

GRANT UPDATE(done_until) ON TABLE global_logout.job TO global_logout_service;

GRANT SELECT ON TABLE global_logout.migration TO global_logout_service;

GRANT SELECT ON TABLE global_logout.revoked_session TO global_logout_service;

GRANT USAGE ON SEQUENCE global_logout.revoked_session_id_seq TO global_logout_service;

GRANT SELECT ON TABLE global_logout.replay TO global_logout_service;

GRANT INSERT(session_id) ON TABLE global_logout.replay TO global_logout_service;

GRANT INSERT(user_id) ON TABLE global_logout.replay TO global_logout_service;

GRANT INSERT(operation_id) ON TABLE global_logout.replay TO global_logout_service;

GRANT INSERT(count) ON TABLE global_logout.replay TO global_logout_service;

GRANT INSERT(ip_address) ON TABLE global_logout.replay TO global_logout_service;

GRANT INSERT(user_agent) ON TABLE global_logout.replay TO global_logout_service;

GRANT INSERT(same_address) ON TABLE global_logout.replay TO global_logout_service;

GRANT INSERT(same_program) ON TABLE global_logout.replay TO global_logout_service;

GRANT UPDATE(acknowledged_by) ON TABLE global_logout.replay TO global_logout_service;

GRANT SELECT,DELETE ON TABLE global_logout.session_change TO global_logout_service;

GRANT SELECT ON TABLE global_logout.staff TO global_logout_service;

GRANT SELECT,INSERT ON TABLE global_logout."user" TO global_logout_service;

GRANT UPDATE(name) ON TABLE global_logout."user" TO global_logout_service;

GRANT UPDATE(email) ON TABLE global_logout."user" TO global_logout_service;

GRANT UPDATE(image) ON TABLE global_logout."user" TO global_logout_service;

GRANT SELECT,INSERT,DELETE ON TABLE global_logout.user_lock TO global_logout_service;

GRANT UPDATE(until) ON TABLE global_logout.user_lock TO global_logout_service;

GRANT UPDATE(reason) ON TABLE global_logout.user_lock TO global_logout_service;

GRANT UPDATE(locked_at) ON TABLE global_logout.user_lock TO global_logout_service;
