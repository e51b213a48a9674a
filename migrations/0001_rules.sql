-- The rule of liveness and what watches over it. Everything here holds for whoever writes to "session":
-- this service, the Auth.js adapter, a cascade from "user", psql.
--
-- A volatile argument would keep session_state from being inlined, at some 15 µs a row: the clock is read once.
-- Trigger functions run as their owner (security definer), so that an application with rights on "session"
-- alone leaves its trace in revoked_session, and can neither change nor remove one.

INSERT INTO session_policy (idle_timeout_seconds, max_age_seconds) VALUES (7 * 86400, 30 * 86400);
--> statement-breakpoint

-- The twin of sessionState() in src/sessions/policy.ts. make_interval(secs) keeps days at 24 hours in every time zone.
CREATE FUNCTION session_state(
	expires timestamp, created_at timestamptz, last_seen_at timestamptz,
	idle_timeout_seconds integer, max_age_seconds integer, at timestamptz
) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT CASE
		WHEN at AT TIME ZONE 'utc' >= expires THEN 'expired'
		WHEN at >= created_at + make_interval(secs => max_age_seconds) THEN 'expired'
		WHEN at >= last_seen_at + make_interval(secs => idle_timeout_seconds) THEN 'idle'
		ELSE 'valid'
	END
$$;
--> statement-breakpoint

-- Every living session that is deleted leaves a row, with the operation when there is one
-- (set_config('global_logout.operation_id', …, true) in the deleting transaction).
CREATE FUNCTION record_revocations() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	at CONSTANT timestamptz := clock_timestamp();
BEGIN
	INSERT INTO revoked_session (session_id, session_token, user_id, operation_id, created_at, last_seen_at, ip_address, user_agent)
	SELECT e.id, e."sessionToken", e."userId", nullif(current_setting('global_logout.operation_id', true), '')::uuid,
		e."createdAt", e."lastSeenAt", e."ipAddress", e."userAgent"
	FROM ended e, session_policy p
	WHERE session_state(e.expires, e."createdAt", e."lastSeenAt", p.idle_timeout_seconds, p.max_age_seconds, at) = 'valid';
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER session_deleted AFTER DELETE ON session REFERENCING OLD TABLE AS ended
	FOR EACH STATEMENT EXECUTE FUNCTION record_revocations();
--> statement-breakpoint

-- TRUNCATE has no transition table: delete first, and the trigger above sees every row.
CREATE FUNCTION delete_before_truncate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	DELETE FROM session;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER session_truncated BEFORE TRUNCATE ON session
	FOR EACH STATEMENT EXECUTE FUNCTION delete_before_truncate();
--> statement-breakpoint

-- An update that ends a living session (expires moved into the past, token or owner replaced) is a revocation too.
CREATE FUNCTION record_ending_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	at CONSTANT timestamptz := clock_timestamp();
BEGIN
	INSERT INTO revoked_session (session_id, session_token, user_id, operation_id, created_at, last_seen_at, ip_address, user_agent)
	SELECT old.id, old."sessionToken", old."userId", nullif(current_setting('global_logout.operation_id', true), '')::uuid,
		old."createdAt", old."lastSeenAt", old."ipAddress", old."userAgent"
	FROM session_policy p
	WHERE session_state(old.expires, old."createdAt", old."lastSeenAt", p.idle_timeout_seconds, p.max_age_seconds, at) = 'valid'
		AND (new."sessionToken" <> old."sessionToken" OR new."userId" <> old."userId"
			OR session_state(new.expires, new."createdAt", new."lastSeenAt", p.idle_timeout_seconds, p.max_age_seconds, at) <> 'valid');
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER session_ended_by_update AFTER UPDATE ON session FOR EACH ROW
	WHEN (new.expires < old.expires OR new."createdAt" < old."createdAt" OR new."lastSeenAt" < old."lastSeenAt"
		OR new."sessionToken" <> old."sessionToken" OR new."userId" <> old."userId")
	EXECUTE FUNCTION record_ending_update();
--> statement-breakpoint

-- What is over stays over: an update that would make a dead session valid again changes nothing.
CREATE FUNCTION refuse_revival() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	at CONSTANT timestamptz := clock_timestamp();
BEGIN
	IF (SELECT session_state(old.expires, old."createdAt", old."lastSeenAt", p.idle_timeout_seconds, p.max_age_seconds, at)
		FROM session_policy p) = 'valid' THEN
		RETURN new;
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER session_not_revived BEFORE UPDATE ON session FOR EACH ROW
	WHEN (new.expires > old.expires OR new."createdAt" > old."createdAt" OR new."lastSeenAt" > old."lastSeenAt")
	EXECUTE FUNCTION refuse_revival();
