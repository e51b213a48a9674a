-- The record binds whoever writes to it, and survives a dump that is restored into another server.

-- When and in which transaction an operation was made is said by the database alone: one that is dated back would be
-- overlooked by whoever seals what is new, and by whoever reads what happened lately.
CREATE FUNCTION stamp_operation() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	new.at := now();
	new.xid := pg_current_xact_id();
	RETURN new;
END $$;
--> statement-breakpoint
CREATE TRIGGER operation_stamped BEFORE INSERT ON operation FOR EACH ROW EXECUTE FUNCTION stamp_operation();
--> statement-breakpoint

-- A deletion that names an operation is not told of as one behind the service's back: so the operation has to be there. At
-- the commit, because it is recorded after what it ended.
ALTER TABLE revoked_session ADD CONSTRAINT revoked_session_operation_id_operation_id_fk
	FOREIGN KEY (operation_id) REFERENCES operation (id) DEFERRABLE INITIALLY DEFERRED;
--> statement-breakpoint

-- What an incident came to is not changed afterwards.
CREATE FUNCTION refuse_changed_outcome() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'incident % is done, and stays as it is', old.id;
END $$;
--> statement-breakpoint
CREATE TRIGGER incident_stays_done BEFORE UPDATE ON incident FOR EACH ROW WHEN (old.state = 'done')
	EXECUTE FUNCTION refuse_changed_outcome();
--> statement-breakpoint

-- Whether the tables speak of transactions that this server has not had yet: they were dumped on another one. Not to be asked
-- by a transaction that has written: its own id may lie ahead of what it sees, too.
CREATE FUNCTION restored_elsewhere() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
	SELECT greatest(
		(SELECT max(xid) FROM operation), (SELECT max(xid) FROM revoked_session), (SELECT max(xid) FROM replay),
		(SELECT max(xid) FROM session_change), (SELECT xid FROM feed_horizon)) >= pg_snapshot_xmax(pg_current_snapshot())
		OR (SELECT pg_snapshot_xmax(sealed) FROM audit_head) > pg_snapshot_xmax(pg_current_snapshot())
$$;
--> statement-breakpoint

-- After a restore: transactions that lie ahead become ones that were over before everything, and sealing looks through all
-- once. A row that one sees is of a transaction below xmax, so what is not came from elsewhere, and nobody has to be locked
-- out. Everybody may call it, since where nothing was restored it does nothing.
CREATE FUNCTION settle_restored() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	IF NOT restored_elsewhere() THEN
		RETURN false;
	END IF;
	UPDATE audit_head SET sealed = '1:1:';
	UPDATE feed_horizon SET xid = '0' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	UPDATE operation SET xid = '3' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	UPDATE revoked_session SET xid = '3' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	UPDATE replay SET xid = '3' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	DELETE FROM session_change WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	DELETE FROM instance WHERE pg_snapshot_xmax(applied) > pg_snapshot_xmax(pg_current_snapshot());
	RETURN true;
END $$;
--> statement-breakpoint

-- As before, but for incidents: the service may carry them out, and not rewrite what was planned, why and by whom.
CREATE OR REPLACE FUNCTION grant_global_logout_roles() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'global_logout_service')
		OR NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'global_logout_checker') THEN
		RETURN false;
	END IF;
	-- SELECT … FOR UPDATE on "user" asks for the right to update some column; this one does the least harm.
	GRANT SELECT, UPDATE (image) ON "user" TO global_logout_service;
	GRANT SELECT, INSERT, UPDATE, DELETE ON session, instance, user_lock TO global_logout_service;
	GRANT SELECT, INSERT, UPDATE ON session_policy TO global_logout_service;
	REVOKE UPDATE ON incident FROM global_logout_service;
	GRANT SELECT, INSERT, UPDATE (state, operation_id, started_at, ended, finished_at, outcome) ON incident TO global_logout_service;
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
