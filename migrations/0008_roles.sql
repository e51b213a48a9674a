-- Who may do what. No function of ours is executable by PUBLIC; every function names what it uses by schema and exact type;
-- every act that gives power or takes protection away writes an operation in its own transaction, also one by SQL.
--
-- Security definer functions run with "search_path = pg_catalog, pg_temp", so that nothing in another schema can take the
-- place of a name, and with "row_security = off", so that forced row level security is an error instead of hidden rows. Those
-- of triggers refuse every table but their own: EXECUTE is checked when a trigger is created, not when it fires. Three write to
-- tables of the application, whose own triggers may look for names in public: there it comes second, behind pg_catalog, and
-- nothing is called without its exact types.

ALTER TABLE "operation" DROP CONSTRAINT "operation_words";--> statement-breakpoint
ALTER TABLE "operation" ADD CONSTRAINT "operation_words" CHECK ("operation"."kind" in ('logout', 'session.end', 'session.replace', 'authjs.signout', 'user.revoke', 'user.lock', 'user.unlock', 'user.role', 'incident.plan', 'incident.execute', 'incident.finish', 'key.create', 'key.change', 'key.revoke', 'policy.change') and "operation"."actor_kind" in ('user', 'service', 'staff', 'system', 'database'));--> statement-breakpoint
-- Locks and roles are kept by id, whatever happens to the row of the user.
ALTER TABLE "staff" DROP CONSTRAINT "staff_user_id_user_id_fk";--> statement-breakpoint
ALTER TABLE "user_lock" DROP CONSTRAINT "user_lock_user_id_user_id_fk";--> statement-breakpoint
CREATE INDEX "staff_user_id_prefix_idx" ON "staff" USING btree (lower("user_id") text_pattern_ops);--> statement-breakpoint
CREATE INDEX "user_lock_user_id_prefix_idx" ON "user_lock" USING btree (lower("user_id") text_pattern_ops);
--> statement-breakpoint

-- When a session ends unless it is used again: at the earliest of its three bounds. This is the only place that states them.
-- timestamptz_smaller() is strict, where LEAST would skip a NULL: without lifetimes there is no end, and without an end nothing is
-- valid. Each argument is used once and the body is bound here, without a SET clause: so PostgreSQL inlines every call.
-- make_interval(secs) keeps days at 24 hours in every time zone.
CREATE FUNCTION public.session_ends_at(
	expires timestamp, created_at timestamptz, last_seen_at timestamptz, idle_timeout_seconds integer, max_age_seconds integer
) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
RETURN pg_catalog.timestamptz_smaller(expires AT TIME ZONE 'utc', pg_catalog.timestamptz_smaller(
	created_at + pg_catalog.make_interval(secs => max_age_seconds::double precision),
	last_seen_at + pg_catalog.make_interval(secs => idle_timeout_seconds::double precision)));
--> statement-breakpoint
-- Why a session is over: idle, when it would not be over had it been used now.
CREATE OR REPLACE FUNCTION public.session_state(
	expires timestamp, created_at timestamptz, last_seen_at timestamptz,
	idle_timeout_seconds integer, max_age_seconds integer, at timestamptz
) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
	WHEN at < public.session_ends_at(expires, created_at, last_seen_at, idle_timeout_seconds, max_age_seconds) THEN 'valid'
	WHEN at < public.session_ends_at(expires, created_at, at, idle_timeout_seconds, max_age_seconds) THEN 'idle'
	WHEN at >= public.session_ends_at(expires, created_at, last_seen_at, idle_timeout_seconds, max_age_seconds) THEN 'expired'
END;
--> statement-breakpoint

-- The operation that the deleting transaction names. Only a login that may write operations names one: another could end sessions
-- in the name of staff. Trigger functions run as the owner; who asked is the setting "role", or without SET ROLE the login.
CREATE FUNCTION public.named_operation() RETURNS uuid LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN has_table_privilege(coalesce(nullif(current_setting('role'), 'none'), session_user)::name, 'public.operation', 'insert')
		THEN nullif(current_setting('global_logout.operation_id', true), '')::uuid END
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION public.record_revocations() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
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
	WHERE public.session_state(e.expires, e."createdAt", e."lastSeenAt", p.idle_timeout_seconds, p.max_age_seconds, at) = 'valid';
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION public.delete_before_truncate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, public, pg_temp SET row_security = off AS $$
BEGIN
	IF TG_RELID <> 'public.session'::regclass::oid THEN
		RAISE EXCEPTION 'delete_before_truncate() is for public.session alone';
	END IF;
	DELETE FROM public.session;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION public.record_ending_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
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
	WHERE public.session_state(old.expires, old."createdAt", old."lastSeenAt", p.idle_timeout_seconds, p.max_age_seconds, at) = 'valid'
		AND (new."sessionToken" <> old."sessionToken" OR new."userId" <> old."userId"
			OR public.session_state(new.expires, new."createdAt", new."lastSeenAt", p.idle_timeout_seconds, p.max_age_seconds, at) <> 'valid');
	IF NOT FOUND THEN
		INSERT INTO public.session_change (session_token) VALUES (old."sessionToken");
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION public.refuse_revival() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	at CONSTANT timestamptz := clock_timestamp();
BEGIN
	IF TG_RELID <> 'public.session'::regclass::oid THEN
		RAISE EXCEPTION 'refuse_revival() is for public.session alone';
	END IF;
	IF (SELECT public.session_state(old.expires, old."createdAt", old."lastSeenAt", p.idle_timeout_seconds, p.max_age_seconds, at)
		FROM public.session_policy p) = 'valid' THEN
		RETURN new;
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION public.refuse_locked() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
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
--> statement-breakpoint

-- As before; and where the user has no row, a transaction under way may be making one anew and signing in: the table is
-- waited for, so that its session is there to be ended, and a later one meets the lock. Two who lock do so in turn: the update
-- below would wait for both of two that share the table.
CREATE OR REPLACE FUNCTION public.announce_lock() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, public, pg_temp SET row_security = off AS $$
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
--> statement-breakpoint

-- Another id would be another user, without the lock or the role.
CREATE FUNCTION public.refuse_renaming() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
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
--> statement-breakpoint
CREATE TRIGGER user_not_renamed BEFORE UPDATE OF id ON public."user" FOR EACH ROW WHEN (new.id <> old.id)
	EXECUTE FUNCTION public.refuse_renaming();
--> statement-breakpoint

CREATE OR REPLACE FUNCTION public.stamp_operation() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	new.at := now();
	new.xid := pg_current_xact_id();
	RETURN new;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION public.refuse_changed_outcome() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'incident % is done, and stays as it is', old.id;
END $$;
--> statement-breakpoint
CREATE FUNCTION public.refuse_revived_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'service key % is revoked, and stays as it is', old.id;
END $$;
--> statement-breakpoint
CREATE TRIGGER service_key_stays_revoked BEFORE UPDATE ON public.service_key FOR EACH ROW
	WHEN (old.revoked_at IS NOT NULL AND (new.id, new.name, new.key_hash, new.scopes, new.created_at, new.expires_at, new.revoked_at)
		IS DISTINCT FROM (old.id, old.name, old.key_hash, old.scopes, old.created_at, old.expires_at, old.revoked_at))
	EXECUTE FUNCTION public.refuse_revived_key();
--> statement-breakpoint

CREATE OR REPLACE FUNCTION public.operation_digest(o public.operation) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp AS $$
	SELECT sha256(convert_to(jsonb_build_array(o.id, o.kind, o.scope, o.actor_kind, o.actor_id, o.actor_session_id, o.user_id,
		o.reason, o.ip_address, o.user_agent, o.request_id, extract(epoch FROM o.at), o.revoked_count, o.selection, o.result)::text, 'UTF8'))
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION public.seal_operations(most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off
	SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
	head public.audit_head;
	seen pg_snapshot;
	o public.operation;
	link bytea;
	added integer := 0;
	more boolean := false;
BEGIN
	-- With none there would be nothing more to seal, now or ever.
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
--> statement-breakpoint
CREATE OR REPLACE FUNCTION public.prune_feed(retention_seconds bigint, most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	before CONSTANT timestamptz := now() - make_interval(secs => retention_seconds::double precision);
	-- All below are over: a cursor that is taken after a deletion is never too old.
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
--> statement-breakpoint

CREATE OR REPLACE FUNCTION public.restored_elsewhere() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
	SELECT greatest(
		(SELECT max(xid) FROM public.operation), (SELECT max(xid) FROM public.revoked_session), (SELECT max(xid) FROM public.replay),
		(SELECT max(xid) FROM public.session_change), (SELECT xid FROM public.feed_horizon)) >= pg_snapshot_xmax(pg_current_snapshot())
		OR (SELECT pg_snapshot_xmax(sealed) FROM public.audit_head) > pg_snapshot_xmax(pg_current_snapshot())
$$;
--> statement-breakpoint
-- As before, but for the owner and the service alone, and before anything was written: in a transaction that has written, its own
-- rows lie ahead of what it sees, and would be dated back. Rows of other transactions under way are not seen, hence not touched.
CREATE OR REPLACE FUNCTION public.settle_restored() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
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
--> statement-breakpoint

-- The sign-out of an application, as one act: ends the session and records it in the name of its user. All that an application
-- may add to the record. What is dead or unknown is tidied up, and is no sign-out.
CREATE FUNCTION public.sign_out(token_hash text, OUT xid text, OUT operation_id uuid) LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, public, pg_temp SET row_security = off AS $$
DECLARE
	act CONSTANT uuid := gen_random_uuid();
	ended public.session;
BEGIN
	xid := pg_current_xact_id()::text;
	DELETE FROM public.session WHERE "sessionToken" OPERATOR(pg_catalog.=) token_hash RETURNING * INTO ended;
	-- The trigger has judged whether it was alive.
	UPDATE public.revoked_session r SET operation_id = act
		WHERE r.session_token OPERATOR(pg_catalog.=) token_hash AND r.session_id = ended.id AND r.xid = pg_current_xact_id();
	IF FOUND THEN
		INSERT INTO public.operation (id, kind, scope, actor_kind, actor_id, actor_session_id, user_id, revoked_count)
		VALUES (act, 'authjs.signout', 'local', 'user', ended."userId", ended.id, ended."userId", 1);
		operation_id := act;
	END IF;
END $$;
--> statement-breakpoint

-- An act that its transaction does not record is recorded at the commit, in the name of the login.
CREATE FUNCTION public.record_act(act text, subject text, why text, came_to jsonb) RETURNS void LANGUAGE sql
	SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO public.operation (id, kind, actor_kind, actor_id, user_id, reason, ip_address, revoked_count, result)
	VALUES (gen_random_uuid(), act, 'database', session_user, subject, why, inet_client_addr(), 0, came_to)
$$;
--> statement-breakpoint
-- As JavaScript writes it, or "forever".
CREATE FUNCTION public.until_text(until timestamptz) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(to_char(until AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'forever')
$$;
--> statement-breakpoint
CREATE FUNCTION public.key_worth(key public.service_key) RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('keyId', key.id, 'name', key.name, 'scopes', key.scopes,
		'expiresAt', to_char(key.expires_at AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
$$;
--> statement-breakpoint
CREATE FUNCTION public.record_key_act() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	key public.service_key;
	act text := 'key.change';
BEGIN
	IF TG_RELID <> 'public.service_key'::regclass::oid THEN
		RAISE EXCEPTION 'record_key_act() is for public.service_key alone';
	END IF;
	IF TG_OP = 'DELETE' THEN
		key := old;
		act := 'key.revoke';
		-- A key that is over opened nothing any more.
		IF key.revoked_at IS NOT NULL OR key.expires_at <= clock_timestamp() THEN
			RETURN NULL;
		END IF;
	ELSE
		key := new;
		IF TG_OP = 'INSERT' THEN
			act := 'key.create';
		ELSIF old.revoked_at IS NULL AND new.revoked_at IS NOT NULL THEN
			act := 'key.revoke';
		ELSIF (new.id, new.name, new.key_hash, new.scopes, new.created_at, new.expires_at)
			IS NOT DISTINCT FROM (old.id, old.name, old.key_hash, old.scopes, old.created_at, old.expires_at) THEN
			RETURN NULL;
		END IF;
	END IF;
	IF NOT EXISTS (SELECT FROM public.operation o WHERE o.xid = pg_current_xact_id() AND o.kind = act
		AND o.result ->> 'keyId' = key.id::text AND o.result -> 'scopes' = to_jsonb(key.scopes)) THEN
		PERFORM public.record_act(act, NULL, NULL, public.key_worth(key)
			|| CASE WHEN act = 'key.change' THEN jsonb_build_object('before', public.key_worth(old)) ELSE '{}' END);
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER service_key_recorded
	AFTER INSERT OR DELETE OR UPDATE OF id, name, key_hash, scopes, created_at, expires_at, revoked_at ON public.service_key
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.record_key_act();
--> statement-breakpoint
CREATE FUNCTION public.record_lock_act() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	held boolean;
	holds boolean;
	stays boolean;
BEGIN
	IF TG_RELID <> 'public.user_lock'::regclass::oid THEN
		RAISE EXCEPTION 'record_lock_act() is for public.user_lock alone';
	END IF;
	held := TG_OP <> 'INSERT' AND coalesce(old.until > clock_timestamp(), true);
	holds := TG_OP <> 'DELETE' AND coalesce(new.until > clock_timestamp(), true);
	stays := TG_OP = 'UPDATE' AND new.user_id = old.user_id;
	IF held AND NOT (stays AND holds) AND NOT EXISTS (SELECT FROM public.operation o
		WHERE o.xid = pg_current_xact_id() AND o.kind = 'user.unlock' AND o.user_id = old.user_id) THEN
		PERFORM public.record_act('user.unlock', old.user_id, NULL, jsonb_build_object('lockedUntil', public.until_text(old.until)));
	END IF;
	IF holds AND NOT (stays AND held AND new.until IS NOT DISTINCT FROM old.until) AND NOT EXISTS (SELECT FROM public.operation o
		WHERE o.xid = pg_current_xact_id() AND o.kind IN ('user.lock', 'user.revoke') AND o.user_id = new.user_id
			AND o.result ->> 'lockedUntil' = public.until_text(new.until)) THEN
		PERFORM public.record_act('user.lock', new.user_id, new.reason, jsonb_build_object('lockedUntil', public.until_text(new.until))
			|| CASE WHEN stays AND held THEN jsonb_build_object('before', public.until_text(old.until)) ELSE '{}' END);
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER user_lock_recorded AFTER INSERT OR UPDATE OR DELETE ON public.user_lock
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.record_lock_act();
--> statement-breakpoint
CREATE FUNCTION public.record_role_act() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	change record;
BEGIN
	IF TG_RELID <> 'public.staff'::regclass::oid THEN
		RAISE EXCEPTION 'record_role_act() is for public.staff alone';
	END IF;
	FOR change IN
		SELECT user_id, max(role) FILTER (WHERE NOT is_new) AS before, max(role) FILTER (WHERE is_new) AS role
		FROM (VALUES (old.user_id, old.role, false), (new.user_id, new.role, true)) AS rows (user_id, role, is_new)
		WHERE user_id IS NOT NULL GROUP BY user_id
	LOOP
		IF change.role IS DISTINCT FROM change.before AND NOT EXISTS (SELECT FROM public.operation o
			WHERE o.xid = pg_current_xact_id() AND o.kind = 'user.role' AND o.user_id = change.user_id
				AND o.result ->> 'role' IS NOT DISTINCT FROM change.role) THEN
			PERFORM public.record_act('user.role', change.user_id, NULL,
				jsonb_build_object('role', change.role, 'before', change.before));
		END IF;
	END LOOP;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER staff_recorded AFTER INSERT OR UPDATE OR DELETE ON public.staff
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.record_role_act();
--> statement-breakpoint
CREATE FUNCTION public.record_policy_act() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	came_to jsonb;
	before jsonb;
BEGIN
	IF TG_RELID <> 'public.session_policy'::regclass::oid THEN
		RAISE EXCEPTION 'record_policy_act() is for public.session_policy alone';
	END IF;
	came_to := jsonb_build_object('idleTimeoutSeconds', new.idle_timeout_seconds, 'maxAgeSeconds', new.max_age_seconds);
	before := jsonb_build_object('idleTimeoutSeconds', old.idle_timeout_seconds, 'maxAgeSeconds', old.max_age_seconds);
	IF came_to <> before AND NOT EXISTS (SELECT FROM public.operation o
		WHERE o.xid = pg_current_xact_id() AND o.kind = 'policy.change' AND o.result @> came_to) THEN
		PERFORM public.record_act('policy.change', NULL, NULL, came_to || jsonb_build_object('before', before));
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER session_policy_recorded AFTER INSERT OR UPDATE OR DELETE ON public.session_policy
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.record_policy_act();
--> statement-breakpoint
-- An incident without its operations would end sessions, or stop ending them, in the name of nobody.
CREATE FUNCTION public.demand_incident_act() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
BEGIN
	IF TG_RELID <> 'public.incident'::regclass::oid THEN
		RAISE EXCEPTION 'demand_incident_act() is for public.incident alone';
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
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER incident_recorded AFTER INSERT OR UPDATE OF state, operation_id, started_at ON public.incident
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.demand_incident_act();
--> statement-breakpoint
-- TRUNCATE fires no trigger for each row, and none that is deferred.
CREATE FUNCTION public.record_truncation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
BEGIN
	CASE TG_RELID
		WHEN 'public.service_key'::regclass THEN
			PERFORM public.record_act('key.revoke', NULL, NULL, public.key_worth(k)) FROM public.service_key k
			WHERE k.revoked_at IS NULL AND coalesce(k.expires_at > clock_timestamp(), true);
		WHEN 'public.user_lock'::regclass THEN
			PERFORM public.record_act('user.unlock', l.user_id, NULL, jsonb_build_object('lockedUntil', public.until_text(l.until)))
			FROM public.user_lock l WHERE coalesce(l.until > clock_timestamp(), true);
		WHEN 'public.staff'::regclass THEN
			PERFORM public.record_act('user.role', s.user_id, NULL, jsonb_build_object('role', NULL, 'before', s.role))
			FROM public.staff s;
		WHEN 'public.session_policy'::regclass THEN
			PERFORM public.record_act('policy.change', NULL, NULL, jsonb_build_object('idleTimeoutSeconds', NULL, 'maxAgeSeconds', NULL,
				'before', jsonb_build_object('idleTimeoutSeconds', p.idle_timeout_seconds, 'maxAgeSeconds', p.max_age_seconds)))
			FROM public.session_policy p;
		ELSE
			RAISE EXCEPTION 'record_truncation() is for tables of global-logout alone';
	END CASE;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER service_key_truncated BEFORE TRUNCATE ON public.service_key EXECUTE FUNCTION public.record_truncation();
--> statement-breakpoint
CREATE TRIGGER user_lock_truncated BEFORE TRUNCATE ON public.user_lock EXECUTE FUNCTION public.record_truncation();
--> statement-breakpoint
CREATE TRIGGER staff_truncated BEFORE TRUNCATE ON public.staff EXECUTE FUNCTION public.record_truncation();
--> statement-breakpoint
CREATE TRIGGER session_policy_truncated BEFORE TRUNCATE ON public.session_policy EXECUTE FUNCTION public.record_truncation();
--> statement-breakpoint

-- PUBLIC has every new function, and whoever the default privileges of the schema name (Supabase has some): for all of them none
-- is left.
DO $$
DECLARE
	others text;
BEGIN
	PERFORM pg_catalog.set_config('search_path'::text, 'pg_catalog, pg_temp'::text, true);
	SELECT string_agg(DISTINCT quote_ident(pg_get_userbyid(granted.grantee)), ', ') INTO others
	FROM pg_proc p, aclexplode(p.proacl) granted
	WHERE p.pronamespace = 'public'::regnamespace AND granted.grantee NOT IN (0, p.proowner);
	EXECUTE 'REVOKE ALL ON FUNCTION
		public.session_ends_at(timestamp, timestamptz, timestamptz, integer, integer),
		public.session_state(timestamp, timestamptz, timestamptz, integer, integer, timestamptz),
		public.named_operation(), public.record_revocations(), public.delete_before_truncate(), public.record_ending_update(), public.refuse_revival(),
		public.refuse_locked(), public.announce_lock(), public.refuse_renaming(), public.stamp_operation(), public.refuse_changed_outcome(),
		public.refuse_revived_key(), public.operation_digest(public.operation), public.seal_operations(integer),
		public.prune_feed(bigint, integer), public.restored_elsewhere(), public.settle_restored(), public.sign_out(text),
		public.record_act(text, text, text, jsonb), public.until_text(timestamptz), public.key_worth(public.service_key),
		public.record_key_act(), public.record_lock_act(), public.record_role_act(), public.record_policy_act(),
		public.demand_incident_act(), public.record_truncation(), public.grant_global_logout_roles()
		FROM ' || concat_ws(', ', 'PUBLIC', others);
	PERFORM set_config('search_path', 'public, pg_temp', true);
END $$;
--> statement-breakpoint
DO $$
BEGIN
	CREATE ROLE global_logout_application NOLOGIN;
EXCEPTION
	WHEN duplicate_object OR unique_violation THEN NULL;
	WHEN insufficient_privilege THEN RAISE NOTICE 'role global_logout_application has to be made by a role that may create roles';
END $$;
