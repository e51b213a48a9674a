-- Staff's revocation as one act, like a logout.

-- Nothing in another schema can take the place of a name in this file.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
--> statement-breakpoint

-- Ends all sessions of the user of "act", the record of the operation. Where "locks", refuses new ones for "lock_seconds", or until staff
-- lift the lock (null); a longer lock in force stays, and "locked_until" is its end. More than a thousand sessions take longer than a
-- statement may: unless "may_be_large", nothing ends, and "sessions" is their number. "acts" is the list of acts, as kept_act() has them.
--
-- "outcome" is "done", "large", or "not_found" where nothing here has that user: no row, role or lock. One who "may_be_unknown" gets a row.
CREATE FUNCTION global_logout.revoke_user(
	act jsonb, locks boolean, lock_seconds integer, may_be_unknown boolean, most integer, may_be_large boolean,
	OUT xid text, OUT outcome text, OUT operation_id uuid, OUT ended integer, OUT revoked jsonb, OUT sessions integer, OUT acts text,
	OUT locked_until timestamptz, OUT lock_reason text, OUT locked_at timestamptz
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
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
--> statement-breakpoint
-- As in 0004_rights.sql, with revoke_user(). Gives each role exactly what is listed here: what was granted before is revoked first. docs/operations.md shows it as a table,
-- and "global-logout roles" prints that from any database. Returns whether all four roles exist.
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
			global_logout.incident_planned, global_logout.incident_runner, global_logout.job FROM %I', member);
		EXECUTE format('GRANT USAGE ON SCHEMA global_logout TO %I', member);
		-- An application has functions of its own, and no right on a table.
		IF member IN ('global_logout_application', 'global_logout_staff_application') THEN
			EXECUTE format('GRANT EXECUTE ON FUNCTION global_logout.sign_in(text, text, jsonb, text, inet, text), global_logout.use_session(text, boolean),
				global_logout.sign_out(text, text, text, inet, text), global_logout.delete_user(text), global_logout.lagging_instances(text[]),
				global_logout.take_over(text, text, timestamptz, jsonb, text, inet) TO %I', member);
			CONTINUE;
		END IF;
		EXECUTE format('GRANT EXECUTE ON FUNCTION global_logout.session_ends_at(timestamp, timestamptz, timestamptz, integer, integer, integer, integer),
			global_logout.session_state(timestamp, timestamptz, timestamptz, integer, integer, integer, integer, timestamptz),
			global_logout.check_tokens(text[]), global_logout.check_tokens_pooled(text[]) TO %I', member);
		EXECUTE format('GRANT SELECT ON global_logout.session_policy TO %I', member);
	END LOOP;
	IF 'global_logout_service' = ANY (known) THEN
		GRANT SELECT, INSERT, UPDATE (name, email, image) ON global_logout."user" TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE ("lastSeenAt", "passiveAt"), DELETE ON global_logout.session TO global_logout_service;
		GRANT UPDATE (idle_timeout_seconds, max_age_seconds) ON global_logout.session_policy TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE (beat, applied), DELETE ON global_logout.instance TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE (until, reason, locked_at), DELETE ON global_logout.user_lock TO global_logout_service;
		GRANT SELECT, DELETE ON global_logout.session_change TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE (last_used_at, revoked_at) ON global_logout.service_key TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE (state, operation_id, started_at, ended, finished_at, outcome) ON global_logout.incident TO global_logout_service;
		GRANT SELECT, INSERT, DELETE ON global_logout.incident_planned TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE, DELETE ON global_logout.incident_runner TO global_logout_service;
		GRANT SELECT, UPDATE (page, done_until) ON global_logout.job TO global_logout_service;
		GRANT SELECT, INSERT (session_id, user_id, operation_id, count, ip_address, user_agent, same_address, same_program)
			ON global_logout.replay TO global_logout_service;
		GRANT USAGE ON SEQUENCE global_logout.revoked_session_id_seq TO global_logout_service;
		-- Append-only: the service adds to the record, and neither changes nor removes anything in it.
		GRANT SELECT, INSERT, UPDATE (waited_ms) ON global_logout.operation TO global_logout_service;
		GRANT SELECT ON global_logout.revoked_session, global_logout.audit_link, global_logout.audit_head, global_logout.feed_horizon, global_logout.staff TO global_logout_service;
		GRANT EXECUTE ON FUNCTION global_logout.seal_operations(integer), global_logout.operation_digest(global_logout.operation), global_logout.prune_feed(bigint, integer),
			global_logout.restored_elsewhere(), global_logout.settle_restored(), global_logout.remove_user(text, text, text, text),
			global_logout.redo_operation(jsonb, uuid[], boolean),
			global_logout.log_in(text, text, jsonb, text, inet, text, uuid, boolean, text), global_logout.log_out(text, text, uuid, text[], text, inet, text, integer, boolean),
			global_logout.end_sessions(global_logout.operation, uuid, uuid, integer), global_logout.revoke_user(jsonb, boolean, integer, boolean, integer, boolean),
			global_logout.take_over(text, text, timestamptz, jsonb, text, inet, uuid),
			global_logout.take_over(text, text, timestamptz, jsonb, text, inet), global_logout.may_act_on_staff() TO global_logout_service;
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
-- Of the new function, PUBLIC and roles in the default privileges of the schema may execute nothing, as in 0004_rights.sql.
DO $$
DECLARE
	others text;
BEGIN
	SELECT string_agg(DISTINCT quote_ident(pg_get_userbyid(granted.grantee)), ', ') INTO others
	FROM pg_proc p, aclexplode(p.proacl) granted
	WHERE p.oid = 'global_logout.revoke_user(jsonb, boolean, integer, boolean, integer, boolean)'::regprocedure AND granted.grantee NOT IN (0, p.proowner);
	EXECUTE 'REVOKE ALL ON FUNCTION global_logout.revoke_user(jsonb, boolean, integer, boolean, integer, boolean) FROM ' || concat_ws(', ', 'PUBLIC', others);
END $$;
--> statement-breakpoint
SELECT global_logout.grant_roles();
