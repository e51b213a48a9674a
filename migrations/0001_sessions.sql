-- The rules of sessions: validity, revocations, locks, dates. They hold for every writer: this service, the Auth.js adapter, a
-- cascade from "user", psql.
--
-- Every function names what it uses by schema and exact type. Those with SECURITY DEFINER run as the owner, so that an application
-- with rights on "session" alone leaves its trace; "search_path = pg_catalog, pg_temp" keeps out names of other schemas, and
-- "row_security = off" makes row level security an error instead of hidden rows. Trigger functions refuse every table but their
-- own: EXECUTE is checked when a trigger is created, not when it fires.

-- Nothing in another schema can take the place of a name in this file.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
--> statement-breakpoint

-- Validity. A session is valid before the instant that session_ends_at() returns.

-- When a session ends unless it is used again: at the earliest of its three bounds, and at once when its epoch is over. No other place
-- states them.
-- timestamptz_smaller() is strict, where LEAST would skip a NULL: without lifetimes there is no end, and without an end nothing is
-- valid. Each argument is used once, and the body is bound here without a SET clause: so PostgreSQL inlines every call, which
-- costs 0.5 µs a row instead of 4. make_interval(secs) keeps days at 24 hours in every time zone.
CREATE FUNCTION global_logout.session_ends_at(
	expires timestamp, created_at timestamptz, last_seen_at timestamptz, session_epoch integer,
	idle_timeout_seconds integer, max_age_seconds integer, policy_epoch integer
) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN session_epoch < policy_epoch THEN '-infinity'
	ELSE pg_catalog.timestamptz_smaller(expires AT TIME ZONE 'utc', pg_catalog.timestamptz_smaller(
		created_at + pg_catalog.make_interval(secs => max_age_seconds::double precision),
		last_seen_at + pg_catalog.make_interval(secs => idle_timeout_seconds::double precision))) END;
--> statement-breakpoint
-- Why a session is over: revoked with its epoch; idle, when it would not be over had it been used now.
CREATE FUNCTION global_logout.session_state(
	expires timestamp, created_at timestamptz, last_seen_at timestamptz, session_epoch integer,
	idle_timeout_seconds integer, max_age_seconds integer, policy_epoch integer, at timestamptz
) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
	WHEN session_epoch < policy_epoch THEN 'revoked'
	WHEN at < global_logout.session_ends_at(expires, created_at, last_seen_at, session_epoch, idle_timeout_seconds, max_age_seconds, policy_epoch)
		THEN 'valid'
	WHEN at < global_logout.session_ends_at(expires, created_at, at, session_epoch, idle_timeout_seconds, max_age_seconds, policy_epoch)
		THEN 'idle'
	WHEN at >= global_logout.session_ends_at(expires, created_at, last_seen_at, session_epoch, idle_timeout_seconds, max_age_seconds, policy_epoch)
		THEN 'expired'
END;
--> statement-breakpoint

-- A check: the valid sessions among these hashed tokens, by position. Instants are in seconds since 1970, "age" is in seconds. "stale"
-- says that an activity update is due, "unseen" that one is due for a check that is no activity. PostgreSQL inlines it, too.
CREATE FUNCTION global_logout.check_tokens(token_hashes text[])
RETURNS TABLE ("position" integer, user_id text, session_id uuid, created_at double precision, ends_at double precision,
	age double precision, stale boolean, unseen boolean)
LANGUAGE sql STABLE BEGIN ATOMIC
	SELECT requested.position::integer, s."userId", s.id, extract(epoch FROM s."createdAt")::double precision,
		extract(epoch FROM lasts.until)::double precision, extract(epoch FROM statement_timestamp() - s."createdAt")::double precision,
		s."lastSeenAt" < lasts.due_before, greatest(s."lastSeenAt", s."passiveAt") < lasts.due_before
	FROM global_logout.session_policy p, unnest(token_hashes) WITH ORDINALITY AS requested (token, position)
	JOIN global_logout.session s ON s."sessionToken" = requested.token,
	LATERAL (SELECT
		global_logout.session_ends_at(s.expires, s."createdAt", s."lastSeenAt", s.epoch, p.idle_timeout_seconds, p.max_age_seconds, p.epoch) AS until,
		statement_timestamp() - make_interval(secs => least(60::double precision, p.idle_timeout_seconds::double precision / 4::double precision))
			AS due_before) lasts
	WHERE statement_timestamp() < lasts.until;
END;
--> statement-breakpoint
-- The same behind a pooler, where no statement has a name, and each transaction may find another server, with settings of other clients.
-- The server process keeps the plan. The function verifies the server, and has its own settings.
CREATE FUNCTION global_logout.check_tokens_pooled(token_hashes text[])
RETURNS TABLE ("position" integer, user_id text, session_id uuid, created_at double precision, ends_at double precision,
	age double precision, stale boolean, unseen boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET row_security = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	IF pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on' OR current_setting('session_replication_role') = 'replica' THEN
		RAISE EXCEPTION 'this server is a standby, read-only, or skips triggers' USING ERRCODE = 'read_only_sql_transaction';
	END IF;
	RETURN QUERY SELECT * FROM global_logout.check_tokens(token_hashes);
END $$;
--> statement-breakpoint
-- The same for a cache, with what it needs to answer later checks. In seconds from now: until the session ends by idle timeout or maximum
-- age, until the next update is due, for an activity and for other checks, and between two updates. PostgreSQL inlines it, too.
CREATE FUNCTION global_logout.read_tokens(token_hashes text[])
RETURNS TABLE ("position" integer, user_id text, session_id uuid, created_at double precision, ends_at double precision,
	age double precision, life double precision, touch double precision, passive_touch double precision, touch_interval double precision)
LANGUAGE sql STABLE BEGIN ATOMIC
	SELECT requested.position::integer, s."userId", s.id, extract(epoch FROM s."createdAt")::double precision,
		extract(epoch FROM lasts.until)::double precision, extract(epoch FROM statement_timestamp() - s."createdAt")::double precision,
		extract(epoch FROM lasts.until - statement_timestamp())::double precision,
		extract(epoch FROM s."lastSeenAt" + lasts.pause - statement_timestamp())::double precision,
		extract(epoch FROM greatest(s."lastSeenAt", s."passiveAt") + lasts.pause - statement_timestamp())::double precision,
		extract(epoch FROM lasts.pause)::double precision
	FROM global_logout.session_policy p, unnest(token_hashes) WITH ORDINALITY AS requested (token, position)
	JOIN global_logout.session s ON s."sessionToken" = requested.token,
	LATERAL (SELECT
		global_logout.session_ends_at(s.expires, s."createdAt", s."lastSeenAt", s.epoch, p.idle_timeout_seconds, p.max_age_seconds, p.epoch) AS until,
		make_interval(secs => least(60::double precision, p.idle_timeout_seconds::double precision / 4::double precision)) AS pause) lasts
	WHERE statement_timestamp() < lasts.until;
END;
--> statement-breakpoint

-- Revocations. Each valid session that is deleted, or ended by an update, leaves a row in revoked_session. So does one that ended with
-- its epoch: whatever deletes it, it was the incident that ended it, when it began.

-- The operation that the transaction names: set_config('global_logout.operation_id', …, true). It is recorded before what it ends,
-- so that no revocation names one that does not exist. Only a login that may write operations names one, and for any other the act
-- that is under way; else it could end sessions in the name of staff. Trigger functions run as the owner: the login that asked is the
-- setting "role", or without SET ROLE the session's user. Returns the whole operation: on which user it is decides how its revocations
-- are found.
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
-- What an operation on one user ended is found among the revocations of that user: only those of others, such as incidents, are in an
-- index by operation (of_many). Rows of the current epoch, which are nearly all, are not joined with incidents, and the ended sessions are
-- read a second time only while an incident for everyone is running: of 100,000 that takes 20 ms.
CREATE FUNCTION global_logout.record_revocations() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
CREATE TRIGGER session_deleted AFTER DELETE ON global_logout.session REFERENCING OLD TABLE AS ended
	FOR EACH STATEMENT EXECUTE FUNCTION global_logout.record_revocations();
--> statement-breakpoint
-- TRUNCATE has no transition table: after a DELETE the trigger above sees every row.
CREATE FUNCTION global_logout.delete_before_truncate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
BEGIN
	IF TG_RELID <> 'global_logout.session'::regclass::oid THEN
		RAISE EXCEPTION 'delete_before_truncate() is for global_logout.session alone';
	END IF;
	DELETE FROM global_logout.session;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER session_truncated BEFORE TRUNCATE ON global_logout.session
	FOR EACH STATEMENT EXECUTE FUNCTION global_logout.delete_before_truncate();
--> statement-breakpoint
-- An update that ends a valid session (expires in the past, another token or owner) is a revocation, too. One that changes the
-- answer without ending it leaves a row in session_change, for the instances that answer from a cache.
CREATE FUNCTION global_logout.record_ending_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
CREATE TRIGGER session_ended_by_update AFTER UPDATE ON global_logout.session FOR EACH ROW
	WHEN (new.expires < old.expires OR new."createdAt" < old."createdAt" OR new."lastSeenAt" < old."lastSeenAt"
		OR new."sessionToken" <> old."sessionToken" OR new."userId" <> old."userId" OR new.id <> old.id)
	EXECUTE FUNCTION global_logout.record_ending_update();
--> statement-breakpoint
-- What is over stays over: an update that would make a session valid again changes nothing.
CREATE FUNCTION global_logout.refuse_revival() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	at CONSTANT timestamptz := clock_timestamp();
BEGIN
	IF TG_RELID <> 'global_logout.session'::regclass::oid THEN
		RAISE EXCEPTION 'refuse_revival() is for global_logout.session alone';
	END IF;
	IF at < (SELECT global_logout.session_ends_at(old.expires, old."createdAt", old."lastSeenAt", old.epoch, p.idle_timeout_seconds, p.max_age_seconds, p.epoch)
		FROM global_logout.session_policy p) THEN
		RETURN new;
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER session_not_revived BEFORE UPDATE ON global_logout.session FOR EACH ROW
	WHEN (new.expires > old.expires OR new."createdAt" > old."createdAt" OR new."lastSeenAt" > old."lastSeenAt")
	EXECUTE FUNCTION global_logout.refuse_revival();
--> statement-breakpoint

-- Sign-ins. A session gets its epoch, and dates that lie ahead are refused, as refuse_future() does. A locked user gets no new session,
-- and keeps the lock whatever happens to the row of the user.

-- The row of the user is locked first, in a statement of its own: a sign-in waits for a lock that is being set (FOR UPDATE), and
-- the next statement sees it. A writer that knows nothing of the mirror, such as the stock Auth.js adapter, gets the row made.
CREATE FUNCTION global_logout.admit_session() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	locked global_logout.user_lock;
	latest timestamptz;
BEGIN
	IF TG_RELID <> 'global_logout.session'::regclass::oid THEN
		RAISE EXCEPTION 'admit_session() is for global_logout.session alone';
	END IF;
	latest := greatest(new."createdAt", new."lastSeenAt");
	IF TG_OP = 'INSERT' AND latest > clock_timestamp() + make_interval(mins => 1) THEN
		RAISE EXCEPTION '"%" of "%" lies in the future', CASE latest WHEN new."createdAt" THEN 'createdAt' ELSE 'lastSeenAt' END, TG_TABLE_NAME
			USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
				COLUMN = CASE latest WHEN new."createdAt" THEN 'createdAt' ELSE 'lastSeenAt' END,
				DETAIL = format('It is %s, and now is %s.', to_jsonb(latest) #>> '{}', to_jsonb(clock_timestamp()) #>> '{}'),
				HINT = 'At most a minute is allowed. Leave the column to its default, or compare the clocks.';
	END IF;
	-- Whatever the writer says, a session has the epoch in which it began. A sign-in under way when an epoch ends commits with that one.
	new.epoch := CASE TG_OP WHEN 'INSERT' THEN coalesce((SELECT p.epoch FROM global_logout.session_policy p), 0) ELSE old.epoch END;
	PERFORM FROM global_logout."user" WHERE id = new."userId" FOR KEY SHARE;
	IF NOT FOUND THEN
		INSERT INTO global_logout."user" (id) VALUES (new."userId") ON CONFLICT (id) DO NOTHING;
		PERFORM FROM global_logout."user" WHERE id = new."userId" FOR KEY SHARE;
	END IF;
	SELECT * INTO locked FROM global_logout.user_lock WHERE user_id = new."userId" AND coalesce(until > clock_timestamp(), true);
	IF FOUND THEN
		RAISE EXCEPTION 'sign-in of this user is locked %',
			coalesce('until ' || to_char(locked.until AT TIME ZONE 'utc', 'YYYY-MM-DD HH24:MI:SS') || 'Z', 'until staff lift the lock')
			USING ERRCODE = 'GL001', HINT = 'global-logout keeps this lock; its staff can lift it.';
	END IF;
	RETURN new;
END $$;
--> statement-breakpoint
CREATE TRIGGER session_admitted BEFORE INSERT OR UPDATE OF "userId", epoch ON global_logout.session
	FOR EACH ROW EXECUTE FUNCTION global_logout.admit_session();
--> statement-breakpoint
-- A sign-in whose snapshot is older than the lock (REPEATABLE READ, SERIALIZABLE) does not see the lock. It does see that a row
-- changed since: so setting a lock writes the row of the user. Held FOR UPDATE before, that counts as a change of its key, and
-- FOR KEY SHARE in admit_session() fails with 40001, which such applications repeat. Other changes of the row hold up no sign-in.
-- Where the user has no row, a transaction may be creating one and signing in. Locking the table waits for it, so that its
-- session is there to be ended, and a later one meets the lock. Two that set locks do so in turn: two that share the table would
-- deadlock in the update.
CREATE FUNCTION global_logout.announce_lock() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
BEGIN
	IF TG_RELID <> 'global_logout.user_lock'::regclass::oid THEN
		RAISE EXCEPTION 'announce_lock() is for global_logout.user_lock alone';
	END IF;
	PERFORM FROM global_logout."user" WHERE id OPERATOR(pg_catalog.=) new.user_id FOR UPDATE;
	IF NOT FOUND THEN
		LOCK TABLE global_logout."user" IN SHARE ROW EXCLUSIVE MODE;
		PERFORM FROM global_logout."user" WHERE id OPERATOR(pg_catalog.=) new.user_id FOR UPDATE;
	END IF;
	UPDATE global_logout."user" SET id = id WHERE id OPERATOR(pg_catalog.=) new.user_id;
	RETURN new;
END $$;
--> statement-breakpoint
CREATE TRIGGER user_lock_announced BEFORE INSERT OR UPDATE ON global_logout.user_lock
	FOR EACH ROW EXECUTE FUNCTION global_logout.announce_lock();
--> statement-breakpoint
-- Another id would be another user, without the lock or the role.
CREATE FUNCTION global_logout.refuse_renaming() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
BEGIN
	IF TG_RELID <> 'global_logout.user'::regclass::oid THEN
		RAISE EXCEPTION 'refuse_renaming() is for global_logout."user" alone';
	END IF;
	IF EXISTS (SELECT FROM global_logout.user_lock WHERE user_id = old.id AND coalesce(until > clock_timestamp(), true))
		OR EXISTS (SELECT FROM global_logout.staff WHERE user_id = old.id) THEN
		RAISE EXCEPTION 'this user has a lock or a role, which is kept by id: the id stays'
			USING ERRCODE = 'restrict_violation', HINT = 'Lift the lock or take the role away first, with global-logout.';
	END IF;
	RETURN new;
END $$;
--> statement-breakpoint
CREATE TRIGGER user_not_renamed BEFORE UPDATE OF id ON global_logout."user" FOR EACH ROW WHEN (new.id <> old.id)
	EXECUTE FUNCTION global_logout.refuse_renaming();
--> statement-breakpoint

-- Dates. What has happened is not dated into the future: such a session would never age, and always count as a recent sign-in.

-- A minute is allowed, because clocks of applications and of servers that take over differ. What is ahead because a clock was set
-- back stays as it is, and may be used. The condition of each trigger is cheap, and the function runs only where it holds.
CREATE FUNCTION global_logout.refuse_future() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	was jsonb := '{}';
	named text;
BEGIN
	IF TG_OP = 'UPDATE' THEN
		was := to_jsonb(old);
	END IF;
	FOREACH named IN ARRAY TG_ARGV LOOP
		IF (to_jsonb(new) ->> named)::timestamptz > clock_timestamp() + interval '1 minute'
			AND to_jsonb(new) ->> named IS DISTINCT FROM was ->> named THEN
			RAISE EXCEPTION '"%" of "%" lies in the future', named, TG_TABLE_NAME
				USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = named,
					DETAIL = format('It is %s, and now is %s.', to_jsonb(new) ->> named, to_jsonb(clock_timestamp()) #>> '{}'),
					HINT = 'At most a minute is allowed. Leave the column to its default, or compare the clocks.';
		END IF;
	END LOOP;
	RETURN new;
END $$;
--> statement-breakpoint
-- Of a new session, admit_session() looks at the dates: the condition of a trigger is parsed at each insert, which took 17 to 50 of 330 µs
-- of a sign-in.
CREATE TRIGGER session_not_from_the_future BEFORE UPDATE OF "createdAt", "lastSeenAt" ON global_logout.session FOR EACH ROW
	WHEN (new."createdAt" > clock_timestamp() + make_interval(mins => 1)
		OR new."lastSeenAt" > clock_timestamp() + make_interval(mins => 1))
	EXECUTE FUNCTION global_logout.refuse_future('createdAt', 'lastSeenAt');
--> statement-breakpoint
CREATE TRIGGER replay_not_from_the_future BEFORE INSERT OR UPDATE OF at ON global_logout.replay FOR EACH ROW
	WHEN (new.at > clock_timestamp() + make_interval(mins => 1))
	EXECUTE FUNCTION global_logout.refuse_future('at');
--> statement-breakpoint
CREATE TRIGGER service_key_not_from_the_future BEFORE INSERT OR UPDATE OF created_at, last_used_at, revoked_at ON global_logout.service_key FOR EACH ROW
	WHEN (new.created_at > clock_timestamp() + make_interval(mins => 1)
		OR new.last_used_at > clock_timestamp() + make_interval(mins => 1)
		OR new.revoked_at > clock_timestamp() + make_interval(mins => 1))
	EXECUTE FUNCTION global_logout.refuse_future('created_at', 'last_used_at', 'revoked_at');
--> statement-breakpoint
CREATE TRIGGER user_lock_not_from_the_future BEFORE INSERT OR UPDATE OF locked_at ON global_logout.user_lock FOR EACH ROW
	WHEN (new.locked_at > clock_timestamp() + make_interval(mins => 1))
	EXECUTE FUNCTION global_logout.refuse_future('locked_at');
--> statement-breakpoint
CREATE TRIGGER staff_not_from_the_future BEFORE INSERT OR UPDATE OF granted_at ON global_logout.staff FOR EACH ROW
	WHEN (new.granted_at > clock_timestamp() + make_interval(mins => 1))
	EXECUTE FUNCTION global_logout.refuse_future('granted_at');
--> statement-breakpoint
CREATE TRIGGER incident_not_from_the_future BEFORE INSERT OR UPDATE OF planned_at, started_at, finished_at ON global_logout.incident FOR EACH ROW
	WHEN (new.planned_at > clock_timestamp() + make_interval(mins => 1)
		OR new.started_at > clock_timestamp() + make_interval(mins => 1)
		OR new.finished_at > clock_timestamp() + make_interval(mins => 1))
	EXECUTE FUNCTION global_logout.refuse_future('planned_at', 'started_at', 'finished_at');
