-- Who may do what: three roles, and nothing for PUBLIC. The owner, who migrates, may do everything.

-- Nothing in another schema can take the place of a name in this file.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
--> statement-breakpoint

-- Roles. They belong to the whole server: another database may have created them, and the owner may not be allowed to. Then
-- grant_global_logout_roles() is to be called once they exist.
DO $$
DECLARE
	missing text;
BEGIN
	FOREACH missing IN ARRAY ARRAY['global_logout_service', 'global_logout_checker', 'global_logout_application'] LOOP
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
-- and "global-logout roles" prints that from any database. Returns whether all three roles exist.
CREATE FUNCTION public.grant_global_logout_roles() RETURNS boolean LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp AS $$
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
--> statement-breakpoint

-- Functions. PUBLIC may execute every new function, and so may the roles in the default privileges of the schema (Supabase sets
-- some): of ours none of them may.
DO $$
DECLARE
	others text;
BEGIN
	SELECT string_agg(DISTINCT quote_ident(pg_get_userbyid(granted.grantee)), ', ') INTO others
	FROM pg_proc p, aclexplode(p.proacl) granted
	WHERE p.pronamespace = 'public'::regnamespace AND granted.grantee NOT IN (0, p.proowner);
	EXECUTE 'REVOKE ALL ON FUNCTION
		public.session_ends_at(timestamp, timestamptz, timestamptz, integer, integer),
		public.session_state(timestamp, timestamptz, timestamptz, integer, integer, timestamptz),
		public.named_operation(), public.record_revocations(), public.delete_before_truncate(), public.record_ending_update(),
		public.refuse_revival(), public.sign_out(text), public.refuse_locked(), public.announce_lock(), public.refuse_renaming(),
		public.refuse_future(), public.stamp_operation(), public.operation_digest(public.operation), public.seal_operations(integer),
		public.refuse_changed_outcome(), public.refuse_revived_key(), public.record_operation(text, text, text, jsonb),
		public.until_text(timestamptz), public.key_facts(public.service_key), public.record_key_change(), public.record_lock_change(),
		public.record_role_change(), public.record_policy_change(), public.record_truncation(), public.require_incident_operation(),
		public.prune_feed(bigint, integer), public.restored_elsewhere(), public.settle_restored(), public.grant_global_logout_roles()
		FROM ' || concat_ws(', ', 'PUBLIC', others);
END $$;
--> statement-breakpoint
SELECT public.grant_global_logout_roles();
--> statement-breakpoint
SELECT set_config('search_path', 'public, pg_temp', true);
