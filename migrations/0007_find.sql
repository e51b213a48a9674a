-- What security staff need: sessions ended one by one, incidents by lists and with locks, approval by a second person, notes on users, and
-- a search for any part of a name or an email address.
--
-- How functions are written, and why, is said in 0001_sessions.sql.

-- Nothing in another schema can take the place of a name in this file.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
--> statement-breakpoint
ALTER TABLE "global_logout"."operation" DROP CONSTRAINT "operation_kinds";
--> statement-breakpoint
-- Not validated: what is there satisfies the narrower check that this one replaces, and reading 20 million rows would hold up sign-ins.
ALTER TABLE "global_logout"."operation" ADD CONSTRAINT "operation_kinds" CHECK ("operation"."kind" in ('logout', 'session.end', 'session.replace', 'user.delete', 'session.revoke', 'user.revoke', 'user.lock', 'user.unlock', 'user.note', 'user.role', 'user.export', 'user.erase', 'incident.plan', 'incident.approve', 'incident.execute', 'incident.finish', 'key.create', 'key.change', 'key.revoke', 'policy.change', 'replays.acknowledge', 'addresses.delete') and "operation"."actor_kind" in ('user', 'service', 'staff', 'system', 'database')) NOT VALID;
--> statement-breakpoint

-- Incidents.

ALTER TABLE "global_logout"."incident"
	ADD COLUMN "session_ids" uuid[],
	ADD COLUMN "users_to_lock" integer,
	ADD COLUMN "locks" boolean DEFAULT false NOT NULL,
	ADD COLUMN "lock_seconds" integer,
	ADD COLUMN "locked" integer DEFAULT 0 NOT NULL,
	ADD COLUMN "needs_approval" boolean DEFAULT false NOT NULL,
	ADD COLUMN "approver_kind" text,
	ADD COLUMN "approver_id" text,
	ADD COLUMN "approved_at" timestamp with time zone;
--> statement-breakpoint
ALTER TABLE "global_logout"."incident" DROP CONSTRAINT "incident_dates";
--> statement-breakpoint
ALTER TABLE "global_logout"."incident" ADD CONSTRAINT "incident_dates" CHECK ("incident"."planned_at" >= '0001-01-01Z' and "incident"."planned_at" < '9999-12-31Z' and "incident"."expires_at" >= '0001-01-01Z' and "incident"."expires_at" < '9999-12-31Z' and "incident"."started_at" >= '0001-01-01Z' and "incident"."started_at" < '9999-12-31Z' and "incident"."finished_at" >= '0001-01-01Z' and "incident"."finished_at" < '9999-12-31Z' and "incident"."approved_at" >= '0001-01-01Z' and "incident"."approved_at" < '9999-12-31Z');
--> statement-breakpoint
ALTER TABLE "global_logout"."incident" ADD CONSTRAINT "incident_approval" CHECK ("incident"."state" = 'planned' or not "incident"."needs_approval" or "incident"."approved_at" is not null);
--> statement-breakpoint

-- Sessions of one user that staff choose.

-- Ends those of these sessions that are valid, as one operation: "act" is its record. "outcome" is "done", "repeated" where all of them
-- are over, and "not_found" where the user has had none of them. Only where it is "done" something is recorded.
CREATE FUNCTION global_logout.revoke_sessions(
	act jsonb, session_ids uuid[], most integer,
	OUT xid text, OUT outcome text, OUT operation_id uuid, OUT ended integer, OUT revoked jsonb, OUT acts text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
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
--> statement-breakpoint
-- As before; one that was erased is not taken over, and what names a user without ending all sessions is listed.
CREATE OR REPLACE FUNCTION global_logout.take_over(
	token_hash text, user_id text, expires timestamptz, profile jsonb, user_agent text, ip_address inet, key_id uuid,
	OUT xid text, OUT outcome text, OUT session_id uuid, OUT expires_at timestamptz
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
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
--> statement-breakpoint

-- Search. The index that finds any part of a name or an email address needs the extension pg_trgm.

-- Makes that index. Returns whether it is there. It belongs to the whole database whether there is an extension, so this creates none. Making the index
-- holds up sign-ins of new users, for some seconds with 32 MB of users: in a larger table it is to be created without (CONCURRENTLY) by the
-- statement that "global-logout doctor" prints. Until then the search finds beginnings alone.
CREATE FUNCTION global_logout.index_users() RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
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
END $$;
--> statement-breakpoint

-- Rights. As in 0004_rights.sql, with what is new here and in the two migrations before.

CREATE OR REPLACE FUNCTION global_logout.grant_roles() RETURNS boolean LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp AS $$
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
--> statement-breakpoint
DO $$
DECLARE
	others text;
BEGIN
	SELECT string_agg(DISTINCT quote_ident(pg_get_userbyid(granted.grantee)), ', ') INTO others
	FROM pg_proc p, aclexplode(p.proacl) granted
	WHERE p.pronamespace = 'global_logout'::regnamespace AND p.proname IN ('revoke_sessions', 'index_users')
		AND granted.grantee NOT IN (0, p.proowner);
	EXECUTE 'REVOKE ALL ON FUNCTION global_logout.revoke_sessions(jsonb, uuid[], integer), global_logout.index_users() FROM '
		|| concat_ws(', ', 'PUBLIC', others);
END $$;
--> statement-breakpoint
SELECT global_logout.grant_roles();
--> statement-breakpoint
SELECT global_logout.index_users();
