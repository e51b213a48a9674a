-- Ends of many sessions, and retention, at less cost. What is said of these functions in 0001_sessions.sql to 0003_applications.sql holds.

-- Nothing in another schema can take the place of a name in this file.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
--> statement-breakpoint
-- The ended sessions are read a second time only while an incident for everyone is running: of 100,000 that took 20 ms.
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
	WHERE EXISTS (SELECT FROM global_logout.incident r WHERE r.epoch > 0 AND r.state = 'running') AND e.epoch < p.epoch
		AND i.started_at < global_logout.session_ends_at(e.expires, e."createdAt", e."lastSeenAt", e.epoch, p.idle_timeout_seconds, p.max_age_seconds, e.epoch);
	RETURN NULL;
END $$;
--> statement-breakpoint
-- The revocations are read once, for their number, their ids and the last seen: of 100,000 that takes 89 ms, and reading them twice 155.
-- LIMIT 1 keeps the last seen from being looked up by the transaction alone, once for each.
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
	WITH all_ended AS MATERIALIZED (
		SELECT r.id, r.session_id, r.last_seen_at FROM global_logout.revoked_session r
		WHERE r.xid = pg_current_xact_id() AND r.operation_id = operation_id
	), latest AS (
		SELECT a.id FROM all_ended a ORDER BY a.last_seen_at DESC, a.session_id LIMIT most
	)
	SELECT count(*), coalesce(array_agg(a.session_id), '{}'), (
			SELECT coalesce(jsonb_agg(jsonb_build_object('id', r.session_id, 'createdAt', r.created_at, 'lastSeenAt', r.last_seen_at,
				'ipAddress', host(r.ip_address), 'userAgent', r.user_agent) ORDER BY r.last_seen_at DESC, r.session_id), '[]')
			FROM latest, LATERAL (SELECT * FROM global_logout.revoked_session r WHERE r.xid = pg_current_xact_id() AND r.id = latest.id LIMIT 1) r)
		INTO ended, ids, revoked FROM all_ended a;
	UPDATE global_logout.operation o SET revoked_count = ended WHERE o.id = operation_id;
END $$;
--> statement-breakpoint
-- A step takes the oldest by index, also where the planner knows an old size of the tables, or finds reading a small one whole cheaper.
ALTER FUNCTION global_logout.prune_feed(bigint, integer) SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off;
