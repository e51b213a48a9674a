-- Turns that only our roles can take, which key made a session, whether a replay came from the session's own device; and, last,
-- what each role may do to all of it.

-- An advisory lock can be held by any login, so one instance at a time is who locks a row here: that takes the right to update
-- the table (SELECT … FOR UPDATE SKIP LOCKED, in the transaction that does the work).
CREATE TABLE "job" (
	"name" text PRIMARY KEY NOT NULL
);
--> statement-breakpoint
INSERT INTO public.job (name) VALUES ('replays'), ('sweep');
--> statement-breakpoint
-- An incident takes many transactions, and a lock that outlives one would hold the feed and the sweep back: its runner renews
-- a lease instead.
CREATE TABLE "incident_runner" (
	"incident_id" uuid PRIMARY KEY NOT NULL,
	"runner" uuid NOT NULL,
	"until" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "session" ADD COLUMN "keyId" uuid;--> statement-breakpoint
ALTER TABLE "replay" ADD COLUMN "same_address" boolean;--> statement-breakpoint
ALTER TABLE "replay" ADD COLUMN "same_program" boolean;
--> statement-breakpoint
-- Each role has exactly what is listed here: what was granted before is taken away first. docs/operations.md shows it as a
-- table, and "global-logout roles" prints that from any database.
CREATE OR REPLACE FUNCTION public.grant_global_logout_roles() RETURNS boolean LANGUAGE plpgsql
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
		EXECUTE format('GRANT EXECUTE ON FUNCTION public.session_ends_at(timestamp, timestamptz, timestamptz, integer, integer) TO %I', member);
		EXECUTE format('GRANT EXECUTE ON FUNCTION public.session_state(timestamp, timestamptz, timestamptz, integer, integer, timestamptz) TO %I', member);
		EXECUTE format('GRANT SELECT ON public.session_policy TO %I', member);
	END LOOP;
	IF 'global_logout_service' = ANY (known) THEN
		-- SELECT … FOR UPDATE asks for the right to update some column; of "user" and job these do the least harm.
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
		-- Append-only: what happened can be added to, and is neither changed nor removed.
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
		-- To wait for instances that answer from memory.
		GRANT SELECT ON public.instance TO global_logout_application;
		GRANT EXECUTE ON FUNCTION public.sign_out(text) TO global_logout_application;
	END IF;
	RETURN cardinality(known) = 3;
END $$;
--> statement-breakpoint
SELECT public.grant_global_logout_roles();
