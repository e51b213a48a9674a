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

CREATE SCHEMA drizzle;

CREATE FUNCTION public.announce_lock() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET row_security TO 'off'
    AS $$
BEGIN
	IF TG_RELID <> 'public.user_lock'::regclass::oid THEN
		RAISE EXCEPTION 'announce_lock() is for public.user_lock alone';
	END IF;
	PERFORM FROM public."user" WHERE id OPERATOR(pg_catalog.=) new.user_id FOR UPDATE;
	IF NOT FOUND THEN
		LOCK TABLE public."user" IN SHARE ROW EXCLUSIVE MODE;
		PERFORM FROM public."user" WHERE id OPERATOR(pg_catalog.=) new.user_id FOR UPDATE;
	END IF;
	UPDATE public."user" SET id = id WHERE id OPERATOR(pg_catalog.=) new.user_id;
	RETURN new;
END $$;

CREATE FUNCTION public.delete_before_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET row_security TO 'off'
    AS $$
BEGIN
	IF TG_RELID <> 'public.session'::regclass::oid THEN
		RAISE EXCEPTION 'delete_before_truncate() is for public.session alone';
	END IF;
	DELETE FROM public.session;
	RETURN NULL;
END $$;

CREATE FUNCTION public.grant_global_logout_roles() RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
	known CONSTANT text[] := ARRAY(SELECT rolname::text FROM pg_roles
		WHERE rolname IN ('global_logout_service', 'global_logout_checker', 'global_logout_application'));
	member text;
BEGIN
	FOREACH member IN ARRAY known LOOP
		EXECUTE format('REVOKE ALL ON public."user", public.account, public."verificationToken", public.session, public.session_policy,
			public.session_change, public.instance, public.revoked_session, public.replay, public.feed_horizon, public.user_lock,
			public.staff, public.service_key, public.operation, public.audit_link, public.audit_head, public.incident,
			public.incident_planned, public.incident_runner, public.job FROM %I', member);
		EXECUTE format('GRANT EXECUTE ON FUNCTION public.session_ends_at(timestamp, timestamptz, timestamptz, integer, integer),
			public.session_state(timestamp, timestamptz, timestamptz, integer, integer, timestamptz) TO %I', member);
		EXECUTE format('GRANT SELECT ON public.session_policy TO %I', member);
	END LOOP;
	IF 'global_logout_service' = ANY (known) THEN
		-- SELECT … FOR UPDATE takes the right to update some column; of "user" and job these do the least harm.
		GRANT SELECT (id, name, email, "emailVerified", image), UPDATE (image) ON public."user" TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE ("lastSeenAt"), DELETE ON public.session TO global_logout_service;
		GRANT UPDATE (idle_timeout_seconds, max_age_seconds) ON public.session_policy TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE (beat, applied), DELETE ON public.instance TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE (until, reason, locked_at), DELETE ON public.user_lock TO global_logout_service;
		GRANT SELECT, DELETE ON public.session_change TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE (last_used_at, revoked_at) ON public.service_key TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE (state, operation_id, started_at, ended, finished_at, outcome) ON public.incident TO global_logout_service;
		GRANT SELECT, INSERT, DELETE ON public.incident_planned TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE, DELETE ON public.incident_runner TO global_logout_service;
		GRANT SELECT, UPDATE (name) ON public.job TO global_logout_service;
		GRANT SELECT, INSERT (session_id, user_id, operation_id, count, ip_address, user_agent, same_address, same_program)
			ON public.replay TO global_logout_service;
		GRANT USAGE ON SEQUENCE public.revoked_session_id_seq TO global_logout_service;
		-- Append-only: the service adds to the record, and neither changes nor removes anything in it.
		GRANT SELECT, INSERT, UPDATE (waited_ms) ON public.operation TO global_logout_service;
		GRANT SELECT ON public.revoked_session, public.audit_link, public.audit_head, public.feed_horizon, public.staff TO global_logout_service;
		GRANT EXECUTE ON FUNCTION public.seal_operations(integer), public.operation_digest(public.operation), public.prune_feed(bigint, integer),
			public.restored_elsewhere(), public.settle_restored() TO global_logout_service;
		GRANT USAGE ON SCHEMA drizzle TO global_logout_service;
		GRANT SELECT ON drizzle.__global_logout_migrations TO global_logout_service;
	END IF;
	IF 'global_logout_checker' = ANY (known) THEN
		GRANT SELECT ("sessionToken", "userId", expires, id, "createdAt", "lastSeenAt") ON public.session TO global_logout_checker;
	END IF;
	IF 'global_logout_application' = ANY (known) THEN
		GRANT SELECT, INSERT, UPDATE, DELETE ON public."user", public.account, public."verificationToken" TO global_logout_application;
		GRANT SELECT, INSERT, UPDATE ("sessionToken", expires, "lastSeenAt") ON public.session TO global_logout_application;
		-- To wait for the instances that answer from a cache.
		GRANT SELECT ON public.instance TO global_logout_application;
		GRANT EXECUTE ON FUNCTION public.sign_out(text) TO global_logout_application;
	END IF;
	RETURN cardinality(known) = 3;
END $$;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE public.service_key (
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

CREATE FUNCTION public.key_facts(key public.service_key) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
	SELECT jsonb_build_object('keyId', key.id, 'name', key.name, 'scopes', key.scopes,
		'expiresAt', to_char(key.expires_at AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
$$;

CREATE FUNCTION public.named_operation() RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
	SELECT CASE WHEN has_table_privilege(coalesce(nullif(current_setting('role'), 'none'), session_user)::name, 'public.operation', 'insert')
		THEN nullif(current_setting('global_logout.operation_id', true), '')::uuid END
$$;

CREATE TABLE public.operation (
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
    CONSTRAINT operation_dates CHECK (((at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (at < '9999-12-31 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT operation_kinds CHECK (((kind = ANY (ARRAY['logout'::text, 'session.end'::text, 'session.replace'::text, 'authjs.signout'::text, 'user.revoke'::text, 'user.lock'::text, 'user.unlock'::text, 'user.role'::text, 'incident.plan'::text, 'incident.execute'::text, 'incident.finish'::text, 'key.create'::text, 'key.change'::text, 'key.revoke'::text, 'policy.change'::text])) AND (actor_kind = ANY (ARRAY['user'::text, 'service'::text, 'staff'::text, 'system'::text, 'database'::text]))))
);

CREATE FUNCTION public.operation_digest(o public.operation) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
	SELECT sha256(convert_to(jsonb_build_array(o.id, o.kind, o.scope, o.actor_kind, o.actor_id, o.actor_session_id, o.user_id,
		o.reason, o.ip_address, o.user_agent, o.request_id, extract(epoch FROM o.at), o.revoked_count, o.selection, o.result)::text, 'UTF8'))
$$;

CREATE FUNCTION public.prune_feed(retention_seconds bigint, most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
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
	WITH oldest_revocations AS (
		SELECT id FROM public.revoked_session ORDER BY id LIMIT most
	), revocations AS (
		DELETE FROM public.revoked_session r USING oldest_revocations o
		WHERE r.id = o.id AND r.revoked_at < before AND r.xid < over RETURNING r.xid
	), oldest_replays AS (
		SELECT id FROM public.replay ORDER BY id LIMIT most
	), replays AS (
		DELETE FROM public.replay r USING oldest_replays o
		WHERE r.id = o.id AND r.at < before AND r.xid < over RETURNING r.xid
	), gone AS (
		SELECT xid FROM revocations UNION ALL SELECT xid FROM replays
	), horizon AS (
		UPDATE public.feed_horizon SET xid = greatest(xid, (SELECT max(xid) FROM gone)) WHERE EXISTS (SELECT FROM gone)
	)
	SELECT count(*) INTO pruned FROM gone;
	RETURN pruned;
END $$;

CREATE FUNCTION public.record_ending_update() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
DECLARE
	at CONSTANT timestamptz := clock_timestamp();
BEGIN
	IF TG_RELID <> 'public.session'::regclass::oid THEN
		RAISE EXCEPTION 'record_ending_update() is for public.session alone';
	END IF;
	INSERT INTO public.revoked_session (session_id, session_token, user_id, operation_id, created_at, last_seen_at, ip_address, user_agent)
	SELECT old.id, old."sessionToken", old."userId", public.named_operation(),
		old."createdAt", old."lastSeenAt", old."ipAddress", old."userAgent"
	FROM public.session_policy p
	WHERE at < public.session_ends_at(old.expires, old."createdAt", old."lastSeenAt", p.idle_timeout_seconds, p.max_age_seconds)
		AND (new."sessionToken" <> old."sessionToken" OR new."userId" <> old."userId"
			OR at >= public.session_ends_at(new.expires, new."createdAt", new."lastSeenAt", p.idle_timeout_seconds, p.max_age_seconds));
	IF NOT FOUND THEN
		INSERT INTO public.session_change (session_token) VALUES (old."sessionToken");
	END IF;
	RETURN NULL;
END $$;

CREATE FUNCTION public.record_key_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
DECLARE
	key public.service_key;
	change text := 'key.change';
BEGIN
	IF TG_RELID <> 'public.service_key'::regclass::oid THEN
		RAISE EXCEPTION 'record_key_change() is for public.service_key alone';
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
	IF NOT EXISTS (SELECT FROM public.operation o WHERE o.xid = pg_current_xact_id() AND o.kind = change
		AND o.result ->> 'keyId' = key.id::text AND o.result -> 'scopes' = to_jsonb(key.scopes)) THEN
		PERFORM public.record_operation(change, NULL, NULL, public.key_facts(key)
			|| CASE WHEN change = 'key.change' THEN jsonb_build_object('before', public.key_facts(old)) ELSE '{}' END);
	END IF;
	RETURN NULL;
END $$;

CREATE FUNCTION public.record_lock_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
DECLARE
	held boolean;
	holds boolean;
	stays boolean;
BEGIN
	IF TG_RELID <> 'public.user_lock'::regclass::oid THEN
		RAISE EXCEPTION 'record_lock_change() is for public.user_lock alone';
	END IF;
	held := TG_OP <> 'INSERT' AND coalesce(old.until > clock_timestamp(), true);
	holds := TG_OP <> 'DELETE' AND coalesce(new.until > clock_timestamp(), true);
	stays := TG_OP = 'UPDATE' AND new.user_id = old.user_id;
	IF held AND NOT (stays AND holds) AND NOT EXISTS (SELECT FROM public.operation o
		WHERE o.xid = pg_current_xact_id() AND o.kind = 'user.unlock' AND o.user_id = old.user_id) THEN
		PERFORM public.record_operation('user.unlock', old.user_id, NULL, jsonb_build_object('lockedUntil', public.until_text(old.until)));
	END IF;
	IF holds AND NOT (stays AND held AND new.until IS NOT DISTINCT FROM old.until) AND NOT EXISTS (SELECT FROM public.operation o
		WHERE o.xid = pg_current_xact_id() AND o.kind IN ('user.lock', 'user.revoke') AND o.user_id = new.user_id
			AND o.result ->> 'lockedUntil' = public.until_text(new.until)) THEN
		PERFORM public.record_operation('user.lock', new.user_id, new.reason, jsonb_build_object('lockedUntil', public.until_text(new.until))
			|| CASE WHEN stays AND held THEN jsonb_build_object('before', public.until_text(old.until)) ELSE '{}' END);
	END IF;
	RETURN NULL;
END $$;

CREATE FUNCTION public.record_operation(kind text, user_id text, reason text, result jsonb) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
	INSERT INTO public.operation (id, kind, actor_kind, actor_id, user_id, reason, ip_address, revoked_count, result)
	VALUES (gen_random_uuid(), kind, 'database', session_user, user_id, reason, inet_client_addr(), 0, result)
$$;

CREATE FUNCTION public.record_policy_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
DECLARE
	lifetimes jsonb;
	before jsonb;
BEGIN
	IF TG_RELID <> 'public.session_policy'::regclass::oid THEN
		RAISE EXCEPTION 'record_policy_change() is for public.session_policy alone';
	END IF;
	lifetimes := jsonb_build_object('idleTimeoutSeconds', new.idle_timeout_seconds, 'maxAgeSeconds', new.max_age_seconds);
	before := jsonb_build_object('idleTimeoutSeconds', old.idle_timeout_seconds, 'maxAgeSeconds', old.max_age_seconds);
	IF lifetimes <> before AND NOT EXISTS (SELECT FROM public.operation o
		WHERE o.xid = pg_current_xact_id() AND o.kind = 'policy.change' AND o.result @> lifetimes) THEN
		PERFORM public.record_operation('policy.change', NULL, NULL, lifetimes || jsonb_build_object('before', before));
	END IF;
	RETURN NULL;
END $$;

CREATE FUNCTION public.record_revocations() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
DECLARE
	at CONSTANT timestamptz := clock_timestamp();
BEGIN
	IF TG_RELID <> 'public.session'::regclass::oid THEN
		RAISE EXCEPTION 'record_revocations() is for public.session alone';
	END IF;
	INSERT INTO public.revoked_session (session_id, session_token, user_id, operation_id, created_at, last_seen_at, ip_address, user_agent)
	SELECT e.id, e."sessionToken", e."userId", public.named_operation(),
		e."createdAt", e."lastSeenAt", e."ipAddress", e."userAgent"
	FROM ended e, public.session_policy p
	WHERE at < public.session_ends_at(e.expires, e."createdAt", e."lastSeenAt", p.idle_timeout_seconds, p.max_age_seconds);
	RETURN NULL;
END $$;

CREATE FUNCTION public.record_role_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
DECLARE
	change record;
BEGIN
	IF TG_RELID <> 'public.staff'::regclass::oid THEN
		RAISE EXCEPTION 'record_role_change() is for public.staff alone';
	END IF;
	FOR change IN
		SELECT user_id, max(role) FILTER (WHERE NOT is_new) AS before, max(role) FILTER (WHERE is_new) AS role
		FROM (VALUES (old.user_id, old.role, false), (new.user_id, new.role, true)) AS rows (user_id, role, is_new)
		WHERE user_id IS NOT NULL GROUP BY user_id
	LOOP
		IF change.role IS DISTINCT FROM change.before AND NOT EXISTS (SELECT FROM public.operation o
			WHERE o.xid = pg_current_xact_id() AND o.kind = 'user.role' AND o.user_id = change.user_id
				AND o.result ->> 'role' IS NOT DISTINCT FROM change.role) THEN
			PERFORM public.record_operation('user.role', change.user_id, NULL,
				jsonb_build_object('role', change.role, 'before', change.before));
		END IF;
	END LOOP;
	RETURN NULL;
END $$;

CREATE FUNCTION public.record_truncation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
BEGIN
	CASE TG_RELID
		WHEN 'public.service_key'::regclass THEN
			PERFORM public.record_operation('key.revoke', NULL, NULL, public.key_facts(k)) FROM public.service_key k
			WHERE k.revoked_at IS NULL AND coalesce(k.expires_at > clock_timestamp(), true);
		WHEN 'public.user_lock'::regclass THEN
			PERFORM public.record_operation('user.unlock', l.user_id, NULL, jsonb_build_object('lockedUntil', public.until_text(l.until)))
			FROM public.user_lock l WHERE coalesce(l.until > clock_timestamp(), true);
		WHEN 'public.staff'::regclass THEN
			PERFORM public.record_operation('user.role', s.user_id, NULL, jsonb_build_object('role', NULL, 'before', s.role))
			FROM public.staff s;
		WHEN 'public.session_policy'::regclass THEN
			PERFORM public.record_operation('policy.change', NULL, NULL, jsonb_build_object('idleTimeoutSeconds', NULL, 'maxAgeSeconds', NULL,
				'before', jsonb_build_object('idleTimeoutSeconds', p.idle_timeout_seconds, 'maxAgeSeconds', p.max_age_seconds)))
			FROM public.session_policy p;
		ELSE
			RAISE EXCEPTION 'record_truncation() is for tables of global-logout alone';
	END CASE;
	RETURN NULL;
END $$;

CREATE FUNCTION public.refuse_changed_outcome() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
	RAISE EXCEPTION 'incident % is done, and stays as it is', old.id;
END $$;

CREATE FUNCTION public.refuse_future() RETURNS trigger
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

CREATE FUNCTION public.refuse_locked() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
DECLARE
	locked public.user_lock;
BEGIN
	IF TG_RELID <> 'public.session'::regclass::oid THEN
		RAISE EXCEPTION 'refuse_locked() is for public.session alone';
	END IF;
	PERFORM FROM public."user" WHERE id = new."userId" FOR KEY SHARE;
	SELECT * INTO locked FROM public.user_lock WHERE user_id = new."userId" AND coalesce(until > clock_timestamp(), true);
	IF FOUND THEN
		RAISE EXCEPTION 'sign-in of this user is locked %',
			coalesce('until ' || to_char(locked.until AT TIME ZONE 'utc', 'YYYY-MM-DD HH24:MI:SS') || 'Z', 'until staff lift the lock')
			USING ERRCODE = 'GL001', HINT = 'global-logout keeps this lock; its staff can lift it.';
	END IF;
	RETURN new;
END $$;

CREATE FUNCTION public.refuse_renaming() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
BEGIN
	IF TG_RELID <> 'public.user'::regclass::oid THEN
		RAISE EXCEPTION 'refuse_renaming() is for public."user" alone';
	END IF;
	IF EXISTS (SELECT FROM public.user_lock WHERE user_id = old.id AND coalesce(until > clock_timestamp(), true))
		OR EXISTS (SELECT FROM public.staff WHERE user_id = old.id) THEN
		RAISE EXCEPTION 'this user has a lock or a role, which is kept by id: the id stays'
			USING ERRCODE = 'restrict_violation', HINT = 'Lift the lock or take the role away first, with global-logout.';
	END IF;
	RETURN new;
END $$;

CREATE FUNCTION public.refuse_revival() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
DECLARE
	at CONSTANT timestamptz := clock_timestamp();
BEGIN
	IF TG_RELID <> 'public.session'::regclass::oid THEN
		RAISE EXCEPTION 'refuse_revival() is for public.session alone';
	END IF;
	IF at < (SELECT public.session_ends_at(old.expires, old."createdAt", old."lastSeenAt", p.idle_timeout_seconds, p.max_age_seconds)
		FROM public.session_policy p) THEN
		RETURN new;
	END IF;
	RETURN NULL;
END $$;

CREATE FUNCTION public.refuse_revived_key() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
	RAISE EXCEPTION 'service key % is revoked, and stays as it is', old.id;
END $$;

CREATE FUNCTION public.require_incident_operation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
BEGIN
	IF TG_RELID <> 'public.incident'::regclass::oid THEN
		RAISE EXCEPTION 'require_incident_operation() is for public.incident alone';
	END IF;
	IF (TG_OP = 'INSERT' AND new.state = 'planned') OR (TG_OP = 'UPDATE'
		AND (new.state, new.operation_id, new.started_at) IS NOT DISTINCT FROM (old.state, old.operation_id, old.started_at)) THEN
		RETURN NULL;
	END IF;
	PERFORM FROM public.operation o WHERE o.xid = pg_current_xact_id() AND o.result ->> 'planId' = new.id::text
		AND CASE new.state WHEN 'running' THEN o.kind = 'incident.execute' AND o.id = new.operation_id
			ELSE o.kind = 'incident.finish' AND o.result ->> 'operationId' = new.operation_id::text END;
	IF FOUND THEN
		RETURN NULL;
	END IF;
	RAISE EXCEPTION 'incident % is executed and finished by operations of the same transaction', new.id
		USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION public.restored_elsewhere() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
	SELECT greatest(
		(SELECT max(xid) FROM public.operation), (SELECT max(xid) FROM public.revoked_session), (SELECT max(xid) FROM public.replay),
		(SELECT max(xid) FROM public.session_change), (SELECT xid FROM public.feed_horizon)) >= pg_snapshot_xmax(pg_current_snapshot())
		OR (SELECT pg_snapshot_xmax(sealed) FROM public.audit_head) > pg_snapshot_xmax(pg_current_snapshot())
$$;

CREATE FUNCTION public.seal_operations(most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
DECLARE
	head public.audit_head;
	seen pg_snapshot;
	o public.operation;
	link bytea;
	added integer := 0;
	more boolean := false;
BEGIN
	-- With none there would be nothing more to seal, ever.
	IF most < 1 THEN
		RAISE EXCEPTION 'one operation at least is sealed at a time';
	END IF;
	SELECT * INTO head FROM public.audit_head;
	IF NOT EXISTS (SELECT FROM public.operation p
		WHERE p.xid >= pg_snapshot_xmin(head.sealed) AND NOT pg_visible_in_snapshot(p.xid, head.sealed)
			AND NOT EXISTS (SELECT FROM public.audit_link l WHERE l.operation_id = p.id)) THEN
		RETURN 0;
	END IF;
	SELECT * INTO head FROM public.audit_head FOR UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	seen := pg_current_snapshot();
	FOR o IN WITH fresh AS MATERIALIZED (
			SELECT id, at FROM public.operation
			WHERE xid >= pg_snapshot_xmin(head.sealed) AND NOT pg_visible_in_snapshot(xid, head.sealed)
		), next AS MATERIALIZED (
			SELECT id, at FROM fresh WHERE NOT EXISTS (SELECT FROM public.audit_link l WHERE l.operation_id = fresh.id)
			ORDER BY at, id LIMIT most + 1
		)
		SELECT p.* FROM next JOIN public.operation p USING (id) ORDER BY next.at, next.id
	LOOP
		IF added = most THEN
			more := true;
			EXIT;
		END IF;
		link := public.operation_digest(o);
		head.seq := head.seq + 1;
		head.hash := sha256(head.hash || link);
		INSERT INTO public.audit_link (seq, operation_id, digest, hash) VALUES (head.seq, o.id, link, head.hash);
		added := added + 1;
	END LOOP;
	UPDATE public.audit_head SET seq = head.seq, hash = head.hash, sealed = CASE WHEN more THEN sealed ELSE seen END;
	RETURN added;
END $$;

CREATE FUNCTION public.session_ends_at(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, idle_timeout_seconds integer, max_age_seconds integer) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN timestamptz_smaller((expires AT TIME ZONE 'utc'::text), timestamptz_smaller((created_at + make_interval(secs => (max_age_seconds)::double precision)), (last_seen_at + make_interval(secs => (idle_timeout_seconds)::double precision))));

CREATE FUNCTION public.session_state(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, idle_timeout_seconds integer, max_age_seconds integer, at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN (at < public.session_ends_at(expires, created_at, last_seen_at, idle_timeout_seconds, max_age_seconds)) THEN 'valid'::text WHEN (at < public.session_ends_at(expires, created_at, at, idle_timeout_seconds, max_age_seconds)) THEN 'idle'::text WHEN (at >= public.session_ends_at(expires, created_at, last_seen_at, idle_timeout_seconds, max_age_seconds)) THEN 'expired'::text ELSE NULL::text END;

CREATE FUNCTION public.settle_restored() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
BEGIN
	IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
		RAISE EXCEPTION 'settle_restored() has to come before anything else is written in its transaction'
			USING ERRCODE = 'active_sql_transaction';
	END IF;
	IF NOT public.restored_elsewhere() THEN
		RETURN false;
	END IF;
	UPDATE public.audit_head SET sealed = '1:1:';
	UPDATE public.feed_horizon SET xid = '0' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	UPDATE public.operation SET xid = '3' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	UPDATE public.revoked_session SET xid = '3' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	UPDATE public.replay SET xid = '3' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	DELETE FROM public.session_change WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	DELETE FROM public.instance WHERE pg_snapshot_xmax(applied) > pg_snapshot_xmax(pg_current_snapshot());
	RETURN true;
END $$;

CREATE FUNCTION public.sign_out(token_hash text, OUT xid text, OUT operation_id uuid) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    SET row_security TO 'off'
    AS $$
DECLARE
	new_id CONSTANT uuid := gen_random_uuid();
	ended public.session;
BEGIN
	xid := pg_current_xact_id()::text;
	DELETE FROM public.session WHERE "sessionToken" OPERATOR(pg_catalog.=) token_hash RETURNING * INTO ended;
	-- The trigger has decided whether it was valid.
	UPDATE public.revoked_session r SET operation_id = new_id
		WHERE r.session_token OPERATOR(pg_catalog.=) token_hash AND r.session_id = ended.id AND r.xid = pg_current_xact_id();
	IF FOUND THEN
		INSERT INTO public.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, revoked_count)
		VALUES (new_id, 'authjs.signout', 'local', 'user', ended."userId", ended.id, ended."userId", 1);
		operation_id := new_id;
	END IF;
END $$;

CREATE FUNCTION public.stamp_operation() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
	new.at := now();
	new.xid := pg_current_xact_id();
	RETURN new;
END $$;

CREATE FUNCTION public.until_text(until timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
	SELECT coalesce(to_char(until AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'forever')
$$;

CREATE TABLE drizzle.__global_logout_migrations (
    id integer NOT NULL,
    hash text NOT NULL,
    created_at bigint
);

CREATE SEQUENCE drizzle.__global_logout_migrations_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE drizzle.__global_logout_migrations_id_seq OWNED BY drizzle.__global_logout_migrations.id;

CREATE TABLE public.account (
    "userId" text NOT NULL,
    type text NOT NULL,
    provider text NOT NULL,
    "providerAccountId" text NOT NULL,
    refresh_token text,
    access_token text,
    expires_at integer,
    token_type text,
    scope text,
    id_token text,
    session_state text
);

CREATE TABLE public.audit_head (
    singleton boolean DEFAULT true NOT NULL,
    seq bigint DEFAULT 0 NOT NULL,
    hash bytea NOT NULL,
    sealed pg_snapshot NOT NULL,
    CONSTRAINT audit_head_singleton CHECK (singleton)
);

CREATE TABLE public.audit_link (
    seq bigint NOT NULL,
    operation_id uuid NOT NULL,
    digest bytea NOT NULL,
    hash bytea NOT NULL,
    sealed_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.feed_horizon (
    singleton boolean DEFAULT true NOT NULL,
    xid xid8 NOT NULL,
    CONSTRAINT feed_horizon_singleton CHECK (singleton)
);

CREATE TABLE public.incident (
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
    staff_sessions integer NOT NULL,
    sample jsonb NOT NULL,
    operation_id uuid,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    ended integer DEFAULT 0 NOT NULL,
    outcome jsonb,
    CONSTRAINT incident_dates CHECK (((planned_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (planned_at < '9999-12-31 00:00:00+00'::timestamp with time zone) AND (expires_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (expires_at < '9999-12-31 00:00:00+00'::timestamp with time zone) AND (started_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (started_at < '9999-12-31 00:00:00+00'::timestamp with time zone) AND (finished_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (finished_at < '9999-12-31 00:00:00+00'::timestamp with time zone)))
);

CREATE TABLE public.incident_planned (
    incident_id uuid NOT NULL,
    part integer NOT NULL,
    session_ids uuid[] NOT NULL
);

CREATE TABLE public.incident_runner (
    incident_id uuid NOT NULL,
    runner uuid NOT NULL,
    until timestamp with time zone NOT NULL
);

CREATE TABLE public.instance (
    id uuid NOT NULL,
    beat bigint DEFAULT 0 NOT NULL,
    applied pg_snapshot
)
WITH (fillfactor='50');

CREATE TABLE public.job (
    name text NOT NULL
);

CREATE TABLE public.revoked_session (
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
    user_agent text
);

ALTER TABLE public.revoked_session ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.revoked_session_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.replay (
    id bigint DEFAULT nextval('public.revoked_session_id_seq'::regclass) NOT NULL,
    session_id uuid NOT NULL,
    user_id text NOT NULL,
    operation_id uuid,
    count integer DEFAULT 1 NOT NULL,
    at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    ip_address inet,
    user_agent text,
    same_address boolean,
    same_program boolean,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL
);

CREATE TABLE public.session (
    "sessionToken" text NOT NULL,
    "userId" text NOT NULL,
    expires timestamp without time zone NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    "createdAt" timestamp with time zone DEFAULT now() NOT NULL,
    "lastSeenAt" timestamp with time zone DEFAULT now() NOT NULL,
    "ipAddress" inet,
    "userAgent" text,
    "keyId" uuid,
    CONSTRAINT session_dates CHECK ((("createdAt" >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND ("createdAt" < '9999-12-31 00:00:00+00'::timestamp with time zone) AND ("lastSeenAt" >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND ("lastSeenAt" < '9999-12-31 00:00:00+00'::timestamp with time zone)))
)
WITH (fillfactor='70');

CREATE TABLE public.session_change (
    id bigint NOT NULL,
    session_token text NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL
);

ALTER TABLE public.session_change ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.session_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.session_policy (
    singleton boolean DEFAULT true NOT NULL,
    idle_timeout_seconds integer NOT NULL,
    max_age_seconds integer NOT NULL,
    CONSTRAINT session_policy_singleton CHECK (singleton)
);

CREATE TABLE public.staff (
    user_id text NOT NULL,
    role text NOT NULL,
    granted_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT staff_roles CHECK ((role = ANY (ARRAY['security'::text, 'auditor'::text])))
);

CREATE TABLE public."user" (
    id text NOT NULL,
    name text,
    email text,
    "emailVerified" timestamp without time zone,
    image text
);

CREATE TABLE public.user_lock (
    user_id text NOT NULL,
    until timestamp with time zone,
    reason text NOT NULL,
    locked_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT user_lock_dates CHECK (((until >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (until < '9999-12-31 00:00:00+00'::timestamp with time zone) AND (locked_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (locked_at < '9999-12-31 00:00:00+00'::timestamp with time zone)))
);

CREATE TABLE public."verificationToken" (
    identifier text NOT NULL,
    token text NOT NULL,
    expires timestamp without time zone NOT NULL
);

ALTER TABLE ONLY drizzle.__global_logout_migrations ALTER COLUMN id SET DEFAULT nextval('drizzle.__global_logout_migrations_id_seq'::regclass);

INSERT INTO drizzle.__global_logout_migrations (id, hash, created_at) VALUES (1, 'bc6d2a619349a1e1330e6792b05711a72ceee3feae07221c0372da564b20d0f3', 1795752000000);
INSERT INTO drizzle.__global_logout_migrations (id, hash, created_at) VALUES (2, 'bad193f697c3b7186ef0c04fedbae09c924167c996cbe2a21bae9e65de077765', 1795752001000);
INSERT INTO drizzle.__global_logout_migrations (id, hash, created_at) VALUES (3, '0261713e486d0ea37efc23ec66a154072d4cebd7616f050942a5dc54b9284067', 1795752002000);
INSERT INTO drizzle.__global_logout_migrations (id, hash, created_at) VALUES (4, 'b39ebc92a31081c0c51b9b4826e502aedcb91d1d18bd2d78c22ec6a22543895d', 1795752003000);

INSERT INTO public.account ("userId", type, provider, "providerAccountId", refresh_token, access_token, expires_at, token_type, scope, id_token, session_state) VALUES ('ada', 'oauth', 'github', '1815', NULL, NULL, 1900000000, NULL, 'read:user', NULL, NULL);

INSERT INTO public.audit_head (singleton, seq, hash, sealed) VALUES (true, 12, '\x1c4afbaa19fc147b3b7ce54cad16dd487d60f4a01d9d4f8f87491831d07970a6', '853:853:');

INSERT INTO public.audit_link (seq, operation_id, digest, hash, sealed_at) VALUES (1, '00000000-0000-4000-8000-000000000001', '\xb6e95a0121d594a61637e1081307af578e1f032c5a3ebfd891b07fda41d26401', '\x196ccdb075e02a9af5af199c98c8a9a551d7687236815a874fa9aaf41eea9043', '2026-11-27 05:02:16.384065+00');
INSERT INTO public.audit_link (seq, operation_id, digest, hash, sealed_at) VALUES (2, '00000000-0000-4000-8000-000000000006', '\xe943821356a719765257fbccf27e0e38b096e2cf7b7756023e4aa7e1204683cf', '\x15513166e4b121e42fd9c22b50ce1993f672e0217c9821469bbf4d1669e77fa9', '2026-11-27 05:02:16.384065+00');
INSERT INTO public.audit_link (seq, operation_id, digest, hash, sealed_at) VALUES (3, '00000000-0000-4000-8000-000000000007', '\xc9b73a58a4da5d8f82692ee79beeb43b573a0483b8b2a24862d49d3a5278f568', '\x59593ddf5777c270c2a627ae3c02d5d598236183c72c2ef2841ee5b85c742540', '2026-11-27 05:02:16.384065+00');
INSERT INTO public.audit_link (seq, operation_id, digest, hash, sealed_at) VALUES (4, '3f53b541-6527-4d9d-a4f9-2e37b16f5ff7', '\x18cff85e63714776289a841dfa319644117eced0a373cbccad87200357c82e9c', '\x59a39584695f0ea1025391432326da7e9591796f1ee8aa9ccbfadead45c787b8', '2026-11-27 05:02:16.384065+00');
INSERT INTO public.audit_link (seq, operation_id, digest, hash, sealed_at) VALUES (5, '78ba5b44-7e3d-41da-8e26-56b70c62de56', '\xaf72d63b4afcf54553ffc45e7b54c331269cf8c7af9709f734815e25790e800d', '\x244955d40c7a763a579cfab7b687150d5983984dae7a54a1bbef563f7db408ed', '2026-11-27 05:02:16.384065+00');
INSERT INTO public.audit_link (seq, operation_id, digest, hash, sealed_at) VALUES (6, '906a2a84-2f5a-4e0d-87fc-f97225c8bc4a', '\x04c8415ef8e4d03815d6863bd5d559f7ab19a962c728122e1a7e2e24f2ec568e', '\xa93fbe4807d945941e68a5b245be010b46ed8f3c31f48d681c66e2d2b31073d6', '2026-11-27 05:02:16.384065+00');
INSERT INTO public.audit_link (seq, operation_id, digest, hash, sealed_at) VALUES (7, '98920f18-77a5-4824-87d7-10dc558d8d9e', '\x6ec247a6da1966b7281b6534b2a8ead835343fde6c28fc0f8c3f18d9e9a6cec3', '\x8a054d7f100abcfef0afbe41549e448b664b30ba2cf7f313e64e3204232e6e6c', '2026-11-27 05:02:16.384065+00');
INSERT INTO public.audit_link (seq, operation_id, digest, hash, sealed_at) VALUES (8, 'bb04fe34-dfde-4989-a0fe-df3b15b80577', '\xdfc7ac9b094ecc6b37bb64e55e15128ba5655ff142e034cf3d314e8fd97e673a', '\x0c7842b95ef52674471730d85db90987f77003ea3526a1531f9329b35ab905e5', '2026-11-27 05:02:16.384065+00');
INSERT INTO public.audit_link (seq, operation_id, digest, hash, sealed_at) VALUES (9, 'c8c3ea50-eea0-481d-a477-fcf74e88ecf5', '\x22d60d5d83107bd234e0f5493849d1740ec4b65797ce789b04974a12078f8ace', '\x600b68fad6d7ca3574321aa039b4fd2b783652583e27d7c3264fa3ef3a64c75c', '2026-11-27 05:02:16.384065+00');
INSERT INTO public.audit_link (seq, operation_id, digest, hash, sealed_at) VALUES (10, 'd2f71afe-f684-4566-8168-99f49c936ccd', '\xd89c25baaaccc36a2370846903bf0a9dbfe83cf7c102bebc11f900ea345ff64d', '\x2f9cfa32c8854a70d8570e940590908c886f423e6825dcbf4cec3cc6029e28e7', '2026-11-27 05:02:16.384065+00');
INSERT INTO public.audit_link (seq, operation_id, digest, hash, sealed_at) VALUES (11, 'dd38d32c-43bd-4134-8d9a-f22188adeb19', '\xd48de695c4e606b8cfad4746f98c55c90ae1f11b00d1e98cce823de285a2c775', '\xa395afeb68bf72dba29e9af05190a9b31e8c1b4212641ccc54ddd5cb4b6f4642', '2026-11-27 05:02:16.384065+00');
INSERT INTO public.audit_link (seq, operation_id, digest, hash, sealed_at) VALUES (12, 'f7ecc2e7-b2de-423a-b8fa-e46cbfd945c0', '\xb5e98aca0427d15cffb1e601308151bd453b32ff01e4152f418bf21dcc836cb5', '\x1c4afbaa19fc147b3b7ce54cad16dd487d60f4a01d9d4f8f87491831d07970a6', '2026-11-27 05:02:16.384065+00');

INSERT INTO public.feed_horizon (singleton, xid) VALUES (true, '3');

INSERT INTO public.incident (id, state, reason, selection, user_ids, actor_kind, actor_id, planned_at, expires_at, planned_sessions, planned_users, staff_sessions, sample, operation_id, started_at, finished_at, ended, outcome) VALUES ('00000000-0000-4000-8000-000000000003', 'planned', 'breach', '{"userAgent": "Phone"}', NULL, 'staff', 'grace', '2026-11-27 05:02:16.384065+00', '2060-01-01 00:00:00+00', 1, 1, 0, '[]', NULL, NULL, NULL, 0, NULL);
INSERT INTO public.incident (id, state, reason, selection, user_ids, actor_kind, actor_id, planned_at, expires_at, planned_sessions, planned_users, staff_sessions, sample, operation_id, started_at, finished_at, ended, outcome) VALUES ('00000000-0000-4000-8000-000000000004', 'done', 'breach', '{"userIds": ["eve"]}', NULL, 'staff', 'grace', '2026-11-27 05:02:16.384065+00', '2060-01-01 00:00:00+00', 1, 1, 0, '[]', '00000000-0000-4000-8000-000000000006', '2026-11-27 05:02:16.384065+00', '2026-11-27 05:02:16.384065+00', 1, '{"users": 1, "waitedMs": 0, "stillOpen": {"reading": 0, "writing": 0}, "endedLater": 0, "endedPlanned": 1, "goneMeanwhile": 0, "staffSessions": 0}');

INSERT INTO public.incident_planned (incident_id, part, session_ids) VALUES ('00000000-0000-4000-8000-000000000003', 1, '{8709770d-7481-4b94-8844-a1a1f588d4fc}');

INSERT INTO public.incident_runner (incident_id, runner, until) VALUES ('00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000005', '2026-01-01 00:00:00+00');

INSERT INTO public.instance (id, beat, applied) VALUES ('00000000-0000-4000-8000-000000000002', 7, '852:852:');

INSERT INTO public.job (name) VALUES ('replays');
INSERT INTO public.job (name) VALUES ('sweep');

INSERT INTO public.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms) VALUES ('98920f18-77a5-4824-87d7-10dc558d8d9e', 'authjs.signout', 'local', 'user', 'ada', '65694ec6-ad9b-4be0-86d4-4771615b205f', 'ada', NULL, NULL, NULL, NULL, '2026-11-27 05:02:16.384065+00', 1, NULL, NULL, '851', NULL);
INSERT INTO public.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms) VALUES ('00000000-0000-4000-8000-000000000001', 'user.revoke', 'global', 'staff', 'grace', NULL, 'ada', 'stolen', '192.0.2.44', 'Desk', 'r-1', '2026-11-27 05:02:16.384065+00', 1, NULL, NULL, '851', 12);
INSERT INTO public.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms) VALUES ('bb04fe34-dfde-4989-a0fe-df3b15b80577', 'policy.change', NULL, 'database', 'postgres', NULL, NULL, NULL, '127.0.0.1', NULL, NULL, '2026-11-27 05:02:16.384065+00', 0, NULL, '{"before": {"maxAgeSeconds": 2592000, "idleTimeoutSeconds": 604800}, "maxAgeSeconds": 2000000000, "idleTimeoutSeconds": 2000000000}', '851', NULL);
INSERT INTO public.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms) VALUES ('d2f71afe-f684-4566-8168-99f49c936ccd', 'key.create', NULL, 'database', 'postgres', NULL, NULL, NULL, '127.0.0.1', NULL, NULL, '2026-11-27 05:02:16.384065+00', 0, NULL, '{"name": "api", "keyId": "d5d0fca5-5d67-4bb5-b19c-4fd50139edd1", "scopes": ["introspect", "events"], "expiresAt": null}', '851', NULL);
INSERT INTO public.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms) VALUES ('f7ecc2e7-b2de-423a-b8fa-e46cbfd945c0', 'key.create', NULL, 'database', 'postgres', NULL, NULL, NULL, '127.0.0.1', NULL, NULL, '2026-11-27 05:02:16.384065+00', 0, NULL, '{"name": "old", "keyId": "8644e8f2-ace7-4120-a3d9-89ecfb8efda9", "scopes": ["security"], "expiresAt": null}', '851', NULL);
INSERT INTO public.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms) VALUES ('78ba5b44-7e3d-41da-8e26-56b70c62de56', 'key.revoke', NULL, 'database', 'postgres', NULL, NULL, NULL, '127.0.0.1', NULL, NULL, '2026-11-27 05:02:16.384065+00', 0, NULL, '{"name": "old", "keyId": "8644e8f2-ace7-4120-a3d9-89ecfb8efda9", "scopes": ["security"], "expiresAt": null}', '851', NULL);
INSERT INTO public.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms) VALUES ('dd38d32c-43bd-4134-8d9a-f22188adeb19', 'user.role', NULL, 'database', 'postgres', NULL, 'grace', NULL, '127.0.0.1', NULL, NULL, '2026-11-27 05:02:16.384065+00', 0, NULL, '{"role": "security", "before": null}', '851', NULL);
INSERT INTO public.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms) VALUES ('906a2a84-2f5a-4e0d-87fc-f97225c8bc4a', 'user.role', NULL, 'database', 'postgres', NULL, 'alan', NULL, '127.0.0.1', NULL, NULL, '2026-11-27 05:02:16.384065+00', 0, NULL, '{"role": "auditor", "before": null}', '851', NULL);
INSERT INTO public.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms) VALUES ('3f53b541-6527-4d9d-a4f9-2e37b16f5ff7', 'user.lock', NULL, 'database', 'postgres', NULL, 'eve', 'stolen', '127.0.0.1', NULL, NULL, '2026-11-27 05:02:16.384065+00', 0, NULL, '{"lockedUntil": "forever"}', '851', NULL);
INSERT INTO public.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms) VALUES ('c8c3ea50-eea0-481d-a477-fcf74e88ecf5', 'user.lock', NULL, 'database', 'postgres', NULL, 'mallory', 'fraud', '127.0.0.1', NULL, NULL, '2026-11-27 05:02:16.384065+00', 0, NULL, '{"lockedUntil": "2080-01-01T00:00:00.000Z"}', '851', NULL);
INSERT INTO public.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms) VALUES ('00000000-0000-4000-8000-000000000006', 'incident.execute', NULL, 'staff', 'grace', NULL, NULL, 'breach', NULL, NULL, NULL, '2026-11-27 05:02:16.384065+00', 1, '{"userIds": ["eve"]}', '{"planId": "00000000-0000-4000-8000-000000000004"}', '852', NULL);
INSERT INTO public.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, reason, ip_address, user_agent, request_id, at, revoked_count, selection, result, xid, waited_ms) VALUES ('00000000-0000-4000-8000-000000000007', 'incident.finish', NULL, 'system', NULL, NULL, NULL, 'breach', NULL, NULL, NULL, '2026-11-27 05:02:16.384065+00', 0, NULL, '{"planId": "00000000-0000-4000-8000-000000000004", "operationId": "00000000-0000-4000-8000-000000000006"}', '852', NULL);

INSERT INTO public.replay (id, session_id, user_id, operation_id, count, at, ip_address, user_agent, same_address, same_program, xid) VALUES (4, '65694ec6-ad9b-4be0-86d4-4771615b205f', 'ada', '98920f18-77a5-4824-87d7-10dc558d8d9e', 3, '2026-11-27 05:02:16.384065+00', '203.0.113.9', 'Thief', false, false, '852');
INSERT INTO public.replay (id, session_id, user_id, operation_id, count, at, ip_address, user_agent, same_address, same_program, xid) VALUES (5, '9a510f77-31ce-49fa-bd0a-3c52400e9f50', 'ada', '00000000-0000-4000-8000-000000000001', 3, '2026-11-27 05:02:16.384065+00', '203.0.113.9', 'Thief', false, false, '852');

INSERT INTO public.revoked_session (id, session_id, session_token, user_id, operation_id, revoked_at, xid, created_at, last_seen_at, ip_address, user_agent) OVERRIDING SYSTEM VALUE VALUES (1, '65694ec6-ad9b-4be0-86d4-4771615b205f', 'H73ISPARRBQpU2Y5n86loyAD5FLZnnld0MVWRV43AVI', 'ada', '98920f18-77a5-4824-87d7-10dc558d8d9e', '2026-11-27 05:02:16.384065+00', '851', '2026-11-27 05:02:16.384065+00', '2026-11-27 05:02:16.384065+00', NULL, NULL);
INSERT INTO public.revoked_session (id, session_id, session_token, user_id, operation_id, revoked_at, xid, created_at, last_seen_at, ip_address, user_agent) OVERRIDING SYSTEM VALUE VALUES (2, '9a510f77-31ce-49fa-bd0a-3c52400e9f50', 'uD009XVVYkR_MszrrQ2Tn3gbE8V2qXgfnXVLvEknNeo', 'ada', '00000000-0000-4000-8000-000000000001', '2026-11-27 05:02:16.384065+00', '851', '2026-11-27 05:02:16.384065+00', '2026-11-27 05:02:16.384065+00', NULL, NULL);
INSERT INTO public.revoked_session (id, session_id, session_token, user_id, operation_id, revoked_at, xid, created_at, last_seen_at, ip_address, user_agent) OVERRIDING SYSTEM VALUE VALUES (3, '8bbde895-fd75-40ea-b0bf-9754f08075c0', 'aZzUxzVxeL9U2dPjqNM4vNIutWfWUSU9bHZK_lv3oHw', 'ada', NULL, '2026-11-27 05:02:16.384065+00', '852', '2026-11-27 05:02:16.384065+00', '2026-11-27 05:02:16.384065+00', NULL, NULL);
INSERT INTO public.revoked_session (id, session_id, session_token, user_id, operation_id, revoked_at, xid, created_at, last_seen_at, ip_address, user_agent) OVERRIDING SYSTEM VALUE VALUES (6, '6b23273b-4504-486e-a4fd-74b296c4593e', 'Atu3w581ZoJjm9W3cqdSs556ZgktThsLD4XrwNhQBb0', 'eve', '00000000-0000-4000-8000-000000000006', '2026-11-27 05:02:16.384065+00', '852', '2026-11-27 05:02:16.384065+00', '2026-11-27 05:02:16.384065+00', NULL, NULL);

INSERT INTO public.service_key (id, name, key_hash, scopes, created_at, expires_at, last_used_at, revoked_at) VALUES ('d5d0fca5-5d67-4bb5-b19c-4fd50139edd1', 'api', 'B6AInF6OvIkd2JGMeQYR9ICTd8Ke0gpNV56Hwlp1gHI', '{introspect,events}', '2026-11-27 05:02:16.384065+00', NULL, '2026-11-27 05:02:16.384065+00', NULL);
INSERT INTO public.service_key (id, name, key_hash, scopes, created_at, expires_at, last_used_at, revoked_at) VALUES ('8644e8f2-ace7-4120-a3d9-89ecfb8efda9', 'old', 'x', '{security}', '2026-11-27 05:02:16.384065+00', NULL, NULL, '2026-11-27 05:02:16.384065+00');

INSERT INTO public.session ("sessionToken", "userId", expires, id, "createdAt", "lastSeenAt", "ipAddress", "userAgent", "keyId") VALUES ('wN_UmCr69V2kE8_-N-6zt0q2M3XzyoN_QxzB1ONVRUc', 'ada', 'infinity', '8709770d-7481-4b94-8844-a1a1f588d4fc', '2026-11-27 05:02:16.384065+00', '2026-11-27 05:02:16.384065+00', '198.51.100.23', 'Phone', NULL);
INSERT INTO public.session ("sessionToken", "userId", expires, id, "createdAt", "lastSeenAt", "ipAddress", "userAgent", "keyId") VALUES ('KwVRpe9QmpZU0cNrCao_sZOLj6rv4rJSf--2w6fLH1c', 'ada', '2026-01-01 00:00:00', 'a553aaed-829c-4972-84b2-c2b4eacfb861', '2026-11-27 05:02:16.384065+00', '2026-11-27 05:02:16.384065+00', NULL, NULL, NULL);
INSERT INTO public.session ("sessionToken", "userId", expires, id, "createdAt", "lastSeenAt", "ipAddress", "userAgent", "keyId") VALUES ('pUlmiwaIQsMZE30HJJ5_09bgAqj_LzcGnqtFGIqr2oQ', 'grace', 'infinity', '092e7465-e6fa-4d3c-b093-db0647070a81', '2026-11-27 05:02:16.384065+00', '2026-11-27 05:02:16.384065+00', '192.0.2.44', 'Desk', NULL);
INSERT INTO public.session ("sessionToken", "userId", expires, id, "createdAt", "lastSeenAt", "ipAddress", "userAgent", "keyId") VALUES ('cA_pjEuayRMK61VDzalbn196Gl9EMeoBIxhLTa8AEXQ', 'ada', '2070-01-01 00:00:00', '7a24c26e-ce98-4b2a-be8c-f718919590bd', '2026-11-27 05:02:16.384065+00', '2026-11-27 05:02:16.384065+00', '2001:db8::7', 'Laptop', NULL);

INSERT INTO public.session_change (id, session_token, xid) OVERRIDING SYSTEM VALUE VALUES (1, 'cA_pjEuayRMK61VDzalbn196Gl9EMeoBIxhLTa8AEXQ', '852');

INSERT INTO public.session_policy (singleton, idle_timeout_seconds, max_age_seconds) VALUES (true, 2000000000, 2000000000);

INSERT INTO public.staff (user_id, role, granted_at) VALUES ('grace', 'security', '2026-11-27 05:02:16.384065+00');
INSERT INTO public.staff (user_id, role, granted_at) VALUES ('alan', 'auditor', '2026-11-27 05:02:16.384065+00');

INSERT INTO public."user" (id, name, email, "emailVerified", image) VALUES ('ada', 'Ada Lovelace', 'ada@example.com', '2026-01-02 03:04:05', NULL);
INSERT INTO public."user" (id, name, email, "emailVerified", image) VALUES ('grace', 'Grace Hopper', 'grace@example.com', NULL, 'https://example.com/grace.png');
INSERT INTO public."user" (id, name, email, "emailVerified", image) VALUES ('eve', NULL, NULL, NULL, NULL);

INSERT INTO public.user_lock (user_id, until, reason, locked_at) VALUES ('eve', NULL, 'stolen', '2026-11-27 05:02:16.384065+00');
INSERT INTO public.user_lock (user_id, until, reason, locked_at) VALUES ('mallory', '2080-01-01 00:00:00+00', 'fraud', '2026-11-27 05:02:16.384065+00');

INSERT INTO public."verificationToken" (identifier, token, expires) VALUES ('ada@example.com', 'hashed by Auth.js', '2060-01-01 00:00:00');

SELECT pg_catalog.setval('drizzle.__global_logout_migrations_id_seq', 4, true);

SELECT pg_catalog.setval('public.revoked_session_id_seq', 6, true);

SELECT pg_catalog.setval('public.session_change_id_seq', 1, true);

ALTER TABLE ONLY drizzle.__global_logout_migrations
    ADD CONSTRAINT __global_logout_migrations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT "account_provider_providerAccountId_pk" PRIMARY KEY (provider, "providerAccountId");

ALTER TABLE ONLY public.audit_head
    ADD CONSTRAINT audit_head_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.audit_link
    ADD CONSTRAINT audit_link_operation_id_unique UNIQUE (operation_id);

ALTER TABLE ONLY public.audit_link
    ADD CONSTRAINT audit_link_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY public.feed_horizon
    ADD CONSTRAINT feed_horizon_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.incident
    ADD CONSTRAINT incident_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.incident_planned
    ADD CONSTRAINT incident_planned_incident_id_part_pk PRIMARY KEY (incident_id, part);

ALTER TABLE ONLY public.incident_runner
    ADD CONSTRAINT incident_runner_pkey PRIMARY KEY (incident_id);

ALTER TABLE ONLY public.instance
    ADD CONSTRAINT instance_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.operation
    ADD CONSTRAINT operation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.replay
    ADD CONSTRAINT replay_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.revoked_session
    ADD CONSTRAINT revoked_session_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.service_key
    ADD CONSTRAINT service_key_key_hash_unique UNIQUE (key_hash);

ALTER TABLE ONLY public.service_key
    ADD CONSTRAINT service_key_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.session_change
    ADD CONSTRAINT session_change_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_id_unique UNIQUE (id);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY ("sessionToken");

ALTER TABLE ONLY public.session_policy
    ADD CONSTRAINT session_policy_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.staff
    ADD CONSTRAINT staff_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public."user"
    ADD CONSTRAINT user_email_unique UNIQUE (email);

ALTER TABLE ONLY public.user_lock
    ADD CONSTRAINT user_lock_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public."user"
    ADD CONSTRAINT user_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public."verificationToken"
    ADD CONSTRAINT "verificationToken_identifier_token_pk" PRIMARY KEY (identifier, token);

CREATE INDEX incident_planned_at_idx ON public.incident USING btree (planned_at);

CREATE INDEX operation_actor_id_at_idx ON public.operation USING btree (actor_id, at);

CREATE INDEX operation_at_id_idx ON public.operation USING btree (at, id);

CREATE INDEX operation_kind_at_idx ON public.operation USING btree (kind, at);

CREATE INDEX operation_user_id_at_idx ON public.operation USING btree (user_id, at);

CREATE INDEX operation_xid_idx ON public.operation USING btree (xid);

CREATE INDEX replay_at_idx ON public.replay USING btree (at);

CREATE INDEX replay_user_id_at_idx ON public.replay USING btree (user_id, at);

CREATE INDEX replay_xid_id_idx ON public.replay USING btree (xid, id);

CREATE INDEX revoked_session_external_idx ON public.revoked_session USING btree (revoked_at, xid, user_id) WHERE (operation_id IS NULL);

CREATE INDEX revoked_session_operation_id_id_idx ON public.revoked_session USING btree (operation_id, id);

CREATE INDEX revoked_session_session_id_idx ON public.revoked_session USING btree (session_id);

CREATE INDEX revoked_session_session_token_idx ON public.revoked_session USING btree (session_token);

CREATE INDEX revoked_session_user_id_revoked_at_idx ON public.revoked_session USING btree (user_id, revoked_at);

CREATE INDEX revoked_session_xid_id_idx ON public.revoked_session USING btree (xid, id);

CREATE INDEX session_change_xid_idx ON public.session_change USING btree (xid);

CREATE INDEX "session_userId_idx" ON public.session USING btree ("userId");

CREATE INDEX staff_user_id_prefix_idx ON public.staff USING btree (lower(user_id) text_pattern_ops);

CREATE INDEX user_email_prefix_idx ON public."user" USING btree (lower(email) text_pattern_ops);

CREATE INDEX user_id_prefix_idx ON public."user" USING btree (lower(id) text_pattern_ops);

CREATE INDEX user_lock_user_id_prefix_idx ON public.user_lock USING btree (lower(user_id) text_pattern_ops);

CREATE INDEX user_name_prefix_idx ON public."user" USING btree (lower(name) text_pattern_ops);

CREATE TRIGGER incident_not_from_the_future BEFORE INSERT OR UPDATE OF planned_at, started_at, finished_at ON public.incident FOR EACH ROW WHEN (((new.planned_at > (clock_timestamp() + make_interval(mins => 1))) OR (new.started_at > (clock_timestamp() + make_interval(mins => 1))) OR (new.finished_at > (clock_timestamp() + make_interval(mins => 1))))) EXECUTE FUNCTION public.refuse_future('planned_at', 'started_at', 'finished_at');

CREATE CONSTRAINT TRIGGER incident_recorded AFTER INSERT OR UPDATE OF state, operation_id, started_at ON public.incident DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.require_incident_operation();

CREATE TRIGGER incident_stays_done BEFORE UPDATE ON public.incident FOR EACH ROW WHEN ((old.state = 'done'::text)) EXECUTE FUNCTION public.refuse_changed_outcome();

CREATE TRIGGER operation_stamped BEFORE INSERT ON public.operation FOR EACH ROW EXECUTE FUNCTION public.stamp_operation();

CREATE TRIGGER replay_not_from_the_future BEFORE INSERT OR UPDATE OF at ON public.replay FOR EACH ROW WHEN ((new.at > (clock_timestamp() + make_interval(mins => 1)))) EXECUTE FUNCTION public.refuse_future('at');

CREATE TRIGGER service_key_not_from_the_future BEFORE INSERT OR UPDATE OF created_at, last_used_at, revoked_at ON public.service_key FOR EACH ROW WHEN (((new.created_at > (clock_timestamp() + make_interval(mins => 1))) OR (new.last_used_at > (clock_timestamp() + make_interval(mins => 1))) OR (new.revoked_at > (clock_timestamp() + make_interval(mins => 1))))) EXECUTE FUNCTION public.refuse_future('created_at', 'last_used_at', 'revoked_at');

CREATE CONSTRAINT TRIGGER service_key_recorded AFTER INSERT OR DELETE OR UPDATE OF id, name, key_hash, scopes, created_at, expires_at, revoked_at ON public.service_key DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.record_key_change();

CREATE TRIGGER service_key_stays_revoked BEFORE UPDATE ON public.service_key FOR EACH ROW WHEN (((old.revoked_at IS NOT NULL) AND ((new.id IS DISTINCT FROM old.id) OR (new.name IS DISTINCT FROM old.name) OR (new.key_hash IS DISTINCT FROM old.key_hash) OR (new.scopes IS DISTINCT FROM old.scopes) OR (new.created_at IS DISTINCT FROM old.created_at) OR (new.expires_at IS DISTINCT FROM old.expires_at) OR (new.revoked_at IS DISTINCT FROM old.revoked_at)))) EXECUTE FUNCTION public.refuse_revived_key();

CREATE TRIGGER service_key_truncated BEFORE TRUNCATE ON public.service_key FOR EACH STATEMENT EXECUTE FUNCTION public.record_truncation();

CREATE TRIGGER session_deleted AFTER DELETE ON public.session REFERENCING OLD TABLE AS ended FOR EACH STATEMENT EXECUTE FUNCTION public.record_revocations();

CREATE TRIGGER session_ended_by_update AFTER UPDATE ON public.session FOR EACH ROW WHEN (((new.expires < old.expires) OR (new."createdAt" < old."createdAt") OR (new."lastSeenAt" < old."lastSeenAt") OR (new."sessionToken" <> old."sessionToken") OR (new."userId" <> old."userId") OR (new.id <> old.id))) EXECUTE FUNCTION public.record_ending_update();

CREATE TRIGGER session_not_from_the_future BEFORE INSERT OR UPDATE OF "createdAt", "lastSeenAt" ON public.session FOR EACH ROW WHEN (((new."createdAt" > (clock_timestamp() + make_interval(mins => 1))) OR (new."lastSeenAt" > (clock_timestamp() + make_interval(mins => 1))))) EXECUTE FUNCTION public.refuse_future('createdAt', 'lastSeenAt');

CREATE TRIGGER session_not_revived BEFORE UPDATE ON public.session FOR EACH ROW WHEN (((new.expires > old.expires) OR (new."createdAt" > old."createdAt") OR (new."lastSeenAt" > old."lastSeenAt"))) EXECUTE FUNCTION public.refuse_revival();

CREATE TRIGGER session_of_locked_user BEFORE INSERT OR UPDATE OF "userId" ON public.session FOR EACH ROW EXECUTE FUNCTION public.refuse_locked();

CREATE CONSTRAINT TRIGGER session_policy_recorded AFTER INSERT OR DELETE OR UPDATE ON public.session_policy DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.record_policy_change();

CREATE TRIGGER session_policy_truncated BEFORE TRUNCATE ON public.session_policy FOR EACH STATEMENT EXECUTE FUNCTION public.record_truncation();

CREATE TRIGGER session_truncated BEFORE TRUNCATE ON public.session FOR EACH STATEMENT EXECUTE FUNCTION public.delete_before_truncate();

CREATE TRIGGER staff_not_from_the_future BEFORE INSERT OR UPDATE OF granted_at ON public.staff FOR EACH ROW WHEN ((new.granted_at > (clock_timestamp() + make_interval(mins => 1)))) EXECUTE FUNCTION public.refuse_future('granted_at');

CREATE CONSTRAINT TRIGGER staff_recorded AFTER INSERT OR DELETE OR UPDATE ON public.staff DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.record_role_change();

CREATE TRIGGER staff_truncated BEFORE TRUNCATE ON public.staff FOR EACH STATEMENT EXECUTE FUNCTION public.record_truncation();

CREATE TRIGGER user_lock_announced BEFORE INSERT OR UPDATE ON public.user_lock FOR EACH ROW EXECUTE FUNCTION public.announce_lock();

CREATE TRIGGER user_lock_not_from_the_future BEFORE INSERT OR UPDATE OF locked_at ON public.user_lock FOR EACH ROW WHEN ((new.locked_at > (clock_timestamp() + make_interval(mins => 1)))) EXECUTE FUNCTION public.refuse_future('locked_at');

CREATE CONSTRAINT TRIGGER user_lock_recorded AFTER INSERT OR DELETE OR UPDATE ON public.user_lock DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.record_lock_change();

CREATE TRIGGER user_lock_truncated BEFORE TRUNCATE ON public.user_lock FOR EACH STATEMENT EXECUTE FUNCTION public.record_truncation();

CREATE TRIGGER user_not_renamed BEFORE UPDATE OF id ON public."user" FOR EACH ROW WHEN ((new.id <> old.id)) EXECUTE FUNCTION public.refuse_renaming();

ALTER TABLE ONLY public.account
    ADD CONSTRAINT "account_userId_user_id_fk" FOREIGN KEY ("userId") REFERENCES public."user"(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.revoked_session
    ADD CONSTRAINT revoked_session_operation_id_operation_id_fk FOREIGN KEY (operation_id) REFERENCES public.operation(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.session
    ADD CONSTRAINT "session_userId_user_id_fk" FOREIGN KEY ("userId") REFERENCES public."user"(id) ON DELETE CASCADE;

GRANT USAGE ON SCHEMA drizzle TO global_logout_service;

REVOKE ALL ON FUNCTION public.announce_lock() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.delete_before_truncate() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.grant_global_logout_roles() FROM PUBLIC;

GRANT SELECT,INSERT ON TABLE public.service_key TO global_logout_service;

GRANT UPDATE(last_used_at) ON TABLE public.service_key TO global_logout_service;

GRANT UPDATE(revoked_at) ON TABLE public.service_key TO global_logout_service;

REVOKE ALL ON FUNCTION public.key_facts(key public.service_key) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.named_operation() FROM PUBLIC;

GRANT SELECT,INSERT ON TABLE public.operation TO global_logout_service;

GRANT UPDATE(waited_ms) ON TABLE public.operation TO global_logout_service;

REVOKE ALL ON FUNCTION public.operation_digest(o public.operation) FROM PUBLIC;
GRANT ALL ON FUNCTION public.operation_digest(o public.operation) TO global_logout_service;

REVOKE ALL ON FUNCTION public.prune_feed(retention_seconds bigint, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.prune_feed(retention_seconds bigint, most integer) TO global_logout_service;

REVOKE ALL ON FUNCTION public.record_ending_update() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.record_key_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.record_lock_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.record_operation(kind text, user_id text, reason text, result jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.record_policy_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.record_revocations() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.record_role_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.record_truncation() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_changed_outcome() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_future() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_locked() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_renaming() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_revival() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_revived_key() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.require_incident_operation() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.restored_elsewhere() FROM PUBLIC;
GRANT ALL ON FUNCTION public.restored_elsewhere() TO global_logout_service;

REVOKE ALL ON FUNCTION public.seal_operations(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.seal_operations(most integer) TO global_logout_service;

REVOKE ALL ON FUNCTION public.session_ends_at(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, idle_timeout_seconds integer, max_age_seconds integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.session_ends_at(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, idle_timeout_seconds integer, max_age_seconds integer) TO global_logout_service;
GRANT ALL ON FUNCTION public.session_ends_at(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, idle_timeout_seconds integer, max_age_seconds integer) TO global_logout_checker;
GRANT ALL ON FUNCTION public.session_ends_at(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, idle_timeout_seconds integer, max_age_seconds integer) TO global_logout_application;

REVOKE ALL ON FUNCTION public.session_state(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, idle_timeout_seconds integer, max_age_seconds integer, at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.session_state(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, idle_timeout_seconds integer, max_age_seconds integer, at timestamp with time zone) TO global_logout_service;
GRANT ALL ON FUNCTION public.session_state(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, idle_timeout_seconds integer, max_age_seconds integer, at timestamp with time zone) TO global_logout_checker;
GRANT ALL ON FUNCTION public.session_state(expires timestamp without time zone, created_at timestamp with time zone, last_seen_at timestamp with time zone, idle_timeout_seconds integer, max_age_seconds integer, at timestamp with time zone) TO global_logout_application;

REVOKE ALL ON FUNCTION public.settle_restored() FROM PUBLIC;
GRANT ALL ON FUNCTION public.settle_restored() TO global_logout_service;

REVOKE ALL ON FUNCTION public.sign_out(token_hash text, OUT xid text, OUT operation_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.sign_out(token_hash text, OUT xid text, OUT operation_id uuid) TO global_logout_application;

REVOKE ALL ON FUNCTION public.stamp_operation() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.until_text(until timestamp with time zone) FROM PUBLIC;

GRANT SELECT ON TABLE drizzle.__global_logout_migrations TO global_logout_service;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.account TO global_logout_application;

GRANT SELECT ON TABLE public.audit_head TO global_logout_service;

GRANT SELECT ON TABLE public.audit_link TO global_logout_service;

GRANT SELECT ON TABLE public.feed_horizon TO global_logout_service;

GRANT SELECT,INSERT ON TABLE public.incident TO global_logout_service;

GRANT UPDATE(state) ON TABLE public.incident TO global_logout_service;

GRANT UPDATE(operation_id) ON TABLE public.incident TO global_logout_service;

GRANT UPDATE(started_at) ON TABLE public.incident TO global_logout_service;

GRANT UPDATE(finished_at) ON TABLE public.incident TO global_logout_service;

GRANT UPDATE(ended) ON TABLE public.incident TO global_logout_service;

GRANT UPDATE(outcome) ON TABLE public.incident TO global_logout_service;

GRANT SELECT,INSERT,DELETE ON TABLE public.incident_planned TO global_logout_service;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.incident_runner TO global_logout_service;

GRANT SELECT,INSERT,DELETE ON TABLE public.instance TO global_logout_service;
GRANT SELECT ON TABLE public.instance TO global_logout_application;

GRANT UPDATE(beat) ON TABLE public.instance TO global_logout_service;

GRANT UPDATE(applied) ON TABLE public.instance TO global_logout_service;

GRANT SELECT ON TABLE public.job TO global_logout_service;

GRANT UPDATE(name) ON TABLE public.job TO global_logout_service;

GRANT SELECT ON TABLE public.revoked_session TO global_logout_service;

GRANT USAGE ON SEQUENCE public.revoked_session_id_seq TO global_logout_service;

GRANT SELECT ON TABLE public.replay TO global_logout_service;

GRANT INSERT(session_id) ON TABLE public.replay TO global_logout_service;

GRANT INSERT(user_id) ON TABLE public.replay TO global_logout_service;

GRANT INSERT(operation_id) ON TABLE public.replay TO global_logout_service;

GRANT INSERT(count) ON TABLE public.replay TO global_logout_service;

GRANT INSERT(ip_address) ON TABLE public.replay TO global_logout_service;

GRANT INSERT(user_agent) ON TABLE public.replay TO global_logout_service;

GRANT INSERT(same_address) ON TABLE public.replay TO global_logout_service;

GRANT INSERT(same_program) ON TABLE public.replay TO global_logout_service;

GRANT SELECT,INSERT,DELETE ON TABLE public.session TO global_logout_service;
GRANT SELECT,INSERT ON TABLE public.session TO global_logout_application;

GRANT SELECT("sessionToken") ON TABLE public.session TO global_logout_checker;
GRANT UPDATE("sessionToken") ON TABLE public.session TO global_logout_application;

GRANT SELECT("userId") ON TABLE public.session TO global_logout_checker;

GRANT SELECT(expires) ON TABLE public.session TO global_logout_checker;
GRANT UPDATE(expires) ON TABLE public.session TO global_logout_application;

GRANT SELECT(id) ON TABLE public.session TO global_logout_checker;

GRANT SELECT("createdAt") ON TABLE public.session TO global_logout_checker;

GRANT UPDATE("lastSeenAt") ON TABLE public.session TO global_logout_service;
GRANT SELECT("lastSeenAt") ON TABLE public.session TO global_logout_checker;
GRANT UPDATE("lastSeenAt") ON TABLE public.session TO global_logout_application;

GRANT SELECT,DELETE ON TABLE public.session_change TO global_logout_service;

GRANT SELECT ON TABLE public.session_policy TO global_logout_service;
GRANT SELECT ON TABLE public.session_policy TO global_logout_checker;
GRANT SELECT ON TABLE public.session_policy TO global_logout_application;

GRANT UPDATE(idle_timeout_seconds) ON TABLE public.session_policy TO global_logout_service;

GRANT UPDATE(max_age_seconds) ON TABLE public.session_policy TO global_logout_service;

GRANT SELECT ON TABLE public.staff TO global_logout_service;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public."user" TO global_logout_application;

GRANT SELECT(id) ON TABLE public."user" TO global_logout_service;

GRANT SELECT(name) ON TABLE public."user" TO global_logout_service;

GRANT SELECT(email) ON TABLE public."user" TO global_logout_service;

GRANT SELECT("emailVerified") ON TABLE public."user" TO global_logout_service;

GRANT SELECT(image),UPDATE(image) ON TABLE public."user" TO global_logout_service;

GRANT SELECT,INSERT,DELETE ON TABLE public.user_lock TO global_logout_service;

GRANT UPDATE(until) ON TABLE public.user_lock TO global_logout_service;

GRANT UPDATE(reason) ON TABLE public.user_lock TO global_logout_service;

GRANT UPDATE(locked_at) ON TABLE public.user_lock TO global_logout_service;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public."verificationToken" TO global_logout_application;
