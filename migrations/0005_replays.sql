-- Revoked tokens that came again are told of in the feed: in one order with revocations, and for as long.

DROP INDEX "replay_xid_idx";--> statement-breakpoint
ALTER TABLE "replay" ALTER COLUMN "id" DROP IDENTITY;--> statement-breakpoint
ALTER TABLE "replay" ALTER COLUMN "id" SET DEFAULT nextval('revoked_session_id_seq');--> statement-breakpoint
ALTER TABLE "replay" ADD COLUMN "operation_id" uuid;--> statement-breakpoint
CREATE INDEX "replay_xid_id_idx" ON "replay" USING btree ("xid","id");
--> statement-breakpoint
-- Numbers that revocations have not had, nor replays.
SELECT setval('revoked_session_id_seq', greatest(nextval('revoked_session_id_seq'), (SELECT max(id) FROM replay)));
--> statement-breakpoint

-- What the feed told of long ago goes, the oldest first, in small steps; the service may not delete it by itself. The
-- horizon rises with it, so that a reader of the feed is told of the gap.
DROP FUNCTION prune_revocations(bigint, integer);
--> statement-breakpoint
CREATE FUNCTION prune_feed(retention_seconds bigint, most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	before CONSTANT timestamptz := now() - make_interval(secs => retention_seconds);
	-- All below are over: a cursor that is taken after a deletion is never too old.
	over CONSTANT xid8 := pg_snapshot_xmin(pg_current_snapshot());
	pruned integer;
BEGIN
	IF retention_seconds < 86400 THEN
		RAISE EXCEPTION 'revocations and replays are kept for a day at least';
	END IF;
	WITH oldest_revocations AS (
		SELECT id FROM revoked_session ORDER BY id LIMIT most
	), revocations AS (
		DELETE FROM revoked_session r USING oldest_revocations o
		WHERE r.id = o.id AND r.revoked_at < before AND r.xid < over RETURNING r.xid
	), oldest_replays AS (
		SELECT id FROM replay ORDER BY id LIMIT most
	), replays AS (
		DELETE FROM replay r USING oldest_replays o
		WHERE r.id = o.id AND r.at < before AND r.xid < over RETURNING r.xid
	), gone AS (
		SELECT xid FROM revocations UNION ALL SELECT xid FROM replays
	), horizon AS (
		UPDATE feed_horizon SET xid = greatest(xid, (SELECT max(xid) FROM gone)) WHERE EXISTS (SELECT FROM gone)
	)
	SELECT count(*) INTO pruned FROM gone;
	RETURN pruned;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION prune_feed(bigint, integer) FROM PUBLIC;
--> statement-breakpoint

-- As before, but for the record of replays: the service says neither when nor in which transaction one was made.
CREATE OR REPLACE FUNCTION grant_global_logout_roles() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'global_logout_service')
		OR NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'global_logout_checker') THEN
		RETURN false;
	END IF;
	-- SELECT … FOR UPDATE on "user" asks for the right to update some column; this one does the least harm.
	GRANT SELECT, UPDATE (image) ON "user" TO global_logout_service;
	GRANT SELECT, INSERT, UPDATE, DELETE ON session, instance, user_lock TO global_logout_service;
	GRANT SELECT, INSERT, UPDATE ON session_policy, incident TO global_logout_service;
	GRANT SELECT, DELETE ON session_change TO global_logout_service;
	GRANT SELECT, INSERT, UPDATE (last_used_at, revoked_at) ON service_key TO global_logout_service;
	GRANT SELECT, INSERT, DELETE ON incident_planned TO global_logout_service;
	REVOKE INSERT ON replay FROM global_logout_service;
	GRANT SELECT, INSERT (session_id, user_id, operation_id, count, ip_address, user_agent) ON replay TO global_logout_service;
	GRANT USAGE ON SEQUENCE revoked_session_id_seq TO global_logout_service;
	-- Append-only: what happened can be added to, and is neither changed nor removed.
	GRANT SELECT, INSERT, UPDATE (waited_ms) ON operation TO global_logout_service;
	GRANT SELECT ON revoked_session, audit_link, audit_head, feed_horizon, staff TO global_logout_service;
	GRANT EXECUTE ON FUNCTION seal_operations(integer), prune_feed(bigint, integer) TO global_logout_service;
	GRANT USAGE ON SCHEMA drizzle TO global_logout_service;
	GRANT SELECT ON drizzle.__global_logout_migrations TO global_logout_service;
	GRANT SELECT ("sessionToken", "userId", expires, id, "createdAt", "lastSeenAt") ON session TO global_logout_checker;
	GRANT SELECT ON session_policy TO global_logout_checker;
	RETURN true;
END $$;
--> statement-breakpoint
SELECT grant_global_logout_roles();
