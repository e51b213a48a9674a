-- Who may do what: four roles, and nothing for PUBLIC. The owner, who migrates, may do everything.

-- Nothing in another schema can take the place of a name in this file.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
--> statement-breakpoint

-- Roles. They belong to the whole server: another database may have created them, and the owner may not be allowed to. Then
-- grant_roles() is to be called once they exist.
DO $$
DECLARE
	missing text;
BEGIN
	FOREACH missing IN ARRAY ARRAY['global_logout_service', 'global_logout_checker', 'global_logout_application',
		'global_logout_staff_application'] LOOP
		BEGIN
			EXECUTE format('CREATE ROLE %I NOLOGIN', missing);
		EXCEPTION
			WHEN duplicate_object OR unique_violation THEN NULL;
			WHEN insufficient_privilege THEN RAISE NOTICE 'role % has to be made by a role that may create roles', missing;
		END;
	END LOOP;
END $$;
--> statement-breakpoint
-- Gives each role exactly what is listed here: what was granted before is revoked first. docs/operations.md shows it as a table,
-- and "global-logout roles" prints that from any database. Returns whether all four roles exist.
CREATE FUNCTION global_logout.grant_roles() RETURNS boolean LANGUAGE plpgsql
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
		GRANT SELECT, INSERT, UPDATE ("lastSeenAt", "passiveAt"), DELETE ON global_logout.session TO global_logout_service;
		GRANT UPDATE (idle_timeout_seconds, max_age_seconds) ON global_logout.session_policy TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE (beat, applied, notices), DELETE ON global_logout.instance TO global_logout_service;
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
		GRANT EXECUTE ON FUNCTION global_logout.read_tokens(text[]), global_logout.seal_operations(integer), global_logout.operation_digest(global_logout.operation), global_logout.prune_feed(bigint, integer),
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

-- Functions. PUBLIC may execute every new function, and so may the roles in the default privileges of the schema (Supabase sets
-- some): of ours none of them may.
DO $$
DECLARE
	others text;
BEGIN
	SELECT string_agg(DISTINCT quote_ident(pg_get_userbyid(granted.grantee)), ', ') INTO others
	FROM pg_proc p, aclexplode(p.proacl) granted
	WHERE p.pronamespace = 'global_logout'::regnamespace AND granted.grantee NOT IN (0, p.proowner);
	EXECUTE 'REVOKE ALL ON FUNCTION
		global_logout.session_ends_at(timestamp, timestamptz, timestamptz, integer, integer, integer, integer),
		global_logout.session_state(timestamp, timestamptz, timestamptz, integer, integer, integer, integer, timestamptz),
		global_logout.check_tokens(text[]), global_logout.check_tokens_pooled(text[]), global_logout.read_tokens(text[]),
		global_logout.join_instances(uuid), global_logout.leave_instances(uuid), global_logout.acknowledge_revocations(uuid, pg_snapshot, uuid[], boolean),
		global_logout.read_revocations(uuid, pg_snapshot), global_logout.read_sessions(text[]), global_logout.record_uses(uuid[], boolean),
		global_logout.named_operation(), global_logout.record_revocations(), global_logout.delete_before_truncate(), global_logout.record_ending_update(),
		global_logout.refuse_revival(), global_logout.begin_act(text[]),
		global_logout.may_act_on_staff(), global_logout.refuse_staff(text),
		global_logout.take_over(text, text, timestamptz, jsonb, text, inet),
		global_logout.end_sessions(global_logout.operation, uuid, uuid, integer), global_logout.revoke_user(jsonb, boolean, integer, boolean, integer, boolean),
		global_logout.act_of_user(text, text, global_logout.session, inet, text, text), global_logout.valid_session(text), global_logout.kept_act(global_logout.operation, uuid, uuid[]),
		global_logout.mirror_user(text, jsonb), global_logout.take_over(text, text, timestamptz, jsonb, text, inet, uuid),
		global_logout.sign_in(text, text, jsonb, text, inet, text), global_logout.use_session(text, boolean),
		global_logout.sign_out(text, text, text, inet, text), global_logout.delete_user(text), global_logout.remove_user(text, text, text, text),
		global_logout.redo_operation(jsonb, uuid[], boolean), global_logout.log_in(text, text, jsonb, text, inet, text, uuid, boolean, text), global_logout.log_out(text, text, uuid, text[], text, inet, text, integer, boolean), global_logout.follow_users(), global_logout.lagging_instances(text[]), global_logout.admit_session(), global_logout.announce_lock(), global_logout.refuse_renaming(),
		global_logout.refuse_future(), global_logout.stamp_operation(), global_logout.operation_digest(global_logout.operation), global_logout.seal_operations(integer),
		global_logout.refuse_changed_outcome(), global_logout.refuse_revived_key(), global_logout.record_operation(text, text, text, jsonb),
		global_logout.until_text(timestamptz), global_logout.key_facts(global_logout.service_key), global_logout.record_key_change(), global_logout.record_lock_change(),
		global_logout.record_role_change(), global_logout.record_policy_change(), global_logout.record_truncation(), global_logout.begin_epoch(), global_logout.require_incident_operation(),
		global_logout.prune_feed(bigint, integer), global_logout.restored_elsewhere(), global_logout.settle_restored(), global_logout.grant_roles()
		FROM ' || concat_ws(', ', 'PUBLIC', others);
END $$;
--> statement-breakpoint
-- The same for the schema and its tables.
DO $$
DECLARE
	granted record;
BEGIN
	FOR granted IN
		SELECT 'SCHEMA global_logout' AS object, a.grantee FROM pg_namespace n, aclexplode(n.nspacl) a
		WHERE n.oid = 'global_logout'::regnamespace AND a.grantee <> n.nspowner
		UNION
		SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::regclass, a.grantee FROM pg_class c, aclexplode(c.relacl) a
		WHERE c.relnamespace = 'global_logout'::regnamespace AND a.grantee <> c.relowner
	LOOP
		EXECUTE format('REVOKE ALL ON %s FROM %s', granted.object,
			CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(granted.grantee)) END);
	END LOOP;
END $$;
--> statement-breakpoint
SELECT global_logout.grant_roles();
