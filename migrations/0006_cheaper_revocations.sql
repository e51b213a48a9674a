-- Revocations that cost less. Of the CPU of a row that a global logout writes, its indexes took more than half. What an operation on
-- one user ended is found among the revocations of that user: only those of other operations, such as incidents, need an index by
-- operation. The index by user has numbers, not times, so that a page of a long list is a walk along it.

-- Nothing in another schema can take the place of a name in this file.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
--> statement-breakpoint
DROP INDEX "global_logout"."revoked_session_operation_id_id_idx";--> statement-breakpoint
DROP INDEX "global_logout"."revoked_session_user_id_revoked_at_idx";--> statement-breakpoint
ALTER TABLE "global_logout"."revoked_session" ADD COLUMN "of_many" boolean DEFAULT false NOT NULL;--> statement-breakpoint
UPDATE "global_logout"."revoked_session" r SET "of_many" = true FROM "global_logout"."operation" o
	WHERE o."id" = r."operation_id" AND o."user_id" IS DISTINCT FROM r."user_id";--> statement-breakpoint
CREATE INDEX "revoked_session_of_many_idx" ON "global_logout"."revoked_session" USING btree ("operation_id","id") WHERE "global_logout"."revoked_session"."of_many";--> statement-breakpoint
CREATE INDEX "revoked_session_user_id_id_idx" ON "global_logout"."revoked_session" USING btree ("user_id","id");
--> statement-breakpoint

-- As in 0001_sessions.sql, and returns the whole operation: on which user it is decides how its revocations are found.
DROP FUNCTION global_logout.named_operation();
--> statement-breakpoint
CREATE FUNCTION global_logout.named_operation() RETURNS global_logout.operation LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
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
--> statement-breakpoint
-- As in 0001_sessions.sql. Rows of the current epoch, which are nearly all, are not joined with incidents.
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
	INSERT INTO global_logout.revoked_session (session_id, session_token, user_id, operation_id, of_many, created_at, last_seen_at, ip_address, user_agent)
	SELECT e.id, e."sessionToken", e."userId", named.id, named.id IS NOT NULL AND named.user_id IS DISTINCT FROM e."userId",
		e."createdAt", greatest(e."lastSeenAt", e."passiveAt"), e."ipAddress", e."userAgent"
	FROM ended e CROSS JOIN global_logout.session_policy p
	WHERE at < global_logout.session_ends_at(e.expires, e."createdAt", e."lastSeenAt", e.epoch, p.idle_timeout_seconds, p.max_age_seconds, p.epoch)
	UNION ALL
	SELECT e.id, e."sessionToken", e."userId", i.operation_id, true,
		e."createdAt", greatest(e."lastSeenAt", e."passiveAt"), e."ipAddress", e."userAgent"
	FROM ended e CROSS JOIN global_logout.session_policy p
	-- Locked, so that an incident that is being finished has counted the row, or does not get it.
	CROSS JOIN LATERAL (SELECT r.operation_id, r.started_at FROM global_logout.incident r
		WHERE r.epoch = e.epoch + 1 AND r.state = 'running' FOR KEY SHARE) i
	WHERE e.epoch < p.epoch
		AND i.started_at < global_logout.session_ends_at(e.expires, e."createdAt", e."lastSeenAt", e.epoch, p.idle_timeout_seconds, p.max_age_seconds, e.epoch);
	RETURN NULL;
END $$;
--> statement-breakpoint
-- As in 0001_sessions.sql.
CREATE OR REPLACE FUNCTION global_logout.record_ending_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	at CONSTANT timestamptz := clock_timestamp();
	named CONSTANT global_logout.operation := global_logout.named_operation();
BEGIN
	IF TG_RELID <> 'global_logout.session'::regclass::oid THEN
		RAISE EXCEPTION 'record_ending_update() is for global_logout.session alone';
	END IF;
	INSERT INTO global_logout.revoked_session (session_id, session_token, user_id, operation_id, of_many, created_at, last_seen_at, ip_address, user_agent)
	SELECT old.id, old."sessionToken", old."userId", named.id, named.id IS NOT NULL AND named.user_id IS DISTINCT FROM old."userId",
		old."createdAt", greatest(old."lastSeenAt", old."passiveAt"), old."ipAddress", old."userAgent"
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
-- As in 0005_snapshots.sql, and finds what it ended by the transaction. The trigger keeps 100,000 rows in 25 MB of memory: with less they
-- go through a file.
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
	SELECT count(*), coalesce(array_agg(r.session_id), '{}') INTO ended, ids FROM global_logout.revoked_session r
		WHERE r.xid = pg_current_xact_id() AND r.operation_id = operation_id;
	SELECT coalesce(jsonb_agg(jsonb_build_object('id', e.session_id, 'createdAt', e.created_at, 'lastSeenAt', e.last_seen_at,
		'ipAddress', host(e.ip_address), 'userAgent', e.user_agent) ORDER BY e.last_seen_at DESC, e.session_id), '[]')
		INTO revoked FROM (
			SELECT r.* FROM global_logout.revoked_session r WHERE r.xid = pg_current_xact_id() AND r.operation_id = operation_id
			ORDER BY r.last_seen_at DESC, r.session_id LIMIT most
		) e;
	UPDATE global_logout.operation o SET revoked_count = ended WHERE o.id = operation_id;
END $$;
--> statement-breakpoint
-- As in 0003_applications.sql, likewise.
CREATE OR REPLACE FUNCTION global_logout.redo_operation(act jsonb, session_ids uuid[], relock boolean, OUT xid text, OUT ended integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET work_mem = '64MB' AS $$
#variable_conflict use_variable
DECLARE
	redone global_logout.operation := jsonb_populate_record(NULL::global_logout.operation, act);
	until CONSTANT timestamptz := nullif(redone.result ->> 'lockedUntil', 'forever')::timestamptz;
BEGIN
	PERFORM global_logout.begin_act();
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
	PERFORM set_config('global_logout.operation_id', redone.id::text, true);
	DELETE FROM global_logout.session s
		WHERE s.id = ANY (session_ids) OR (redone.kind = 'user.delete' AND s."userId" = redone.user_id);
	PERFORM set_config('global_logout.operation_id', '', true);
	SELECT count(*) INTO ended FROM global_logout.revoked_session r
		WHERE r.xid = pg_current_xact_id() AND r.operation_id = redone.id;
	IF redone.kind = 'user.delete' THEN
		DELETE FROM global_logout."user" u WHERE u.id = redone.user_id;
	END IF;
	UPDATE global_logout.operation o SET revoked_count = ended WHERE o.id = redone.id;
END $$;
--> statement-breakpoint
-- Of the new function, PUBLIC and roles in the default privileges of the schema may execute nothing, as in 0004_rights.sql.
DO $$
DECLARE
	others text;
BEGIN
	SELECT string_agg(DISTINCT quote_ident(pg_get_userbyid(granted.grantee)), ', ') INTO others
	FROM pg_proc p, aclexplode(p.proacl) granted
	WHERE p.oid = 'global_logout.named_operation()'::regprocedure AND granted.grantee NOT IN (0, p.proowner);
	EXECUTE 'REVOKE ALL ON FUNCTION global_logout.named_operation() FROM ' || concat_ws(', ', 'PUBLIC', others);
END $$;
