-- A sign-in that costs less: the condition of a trigger is parsed at each insert, which took 17 to 50 of 330 µs. The dates of a new session
-- are looked at by the trigger that admits it, which runs at each insert anyway.

-- Nothing in another schema can take the place of a name in this file.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
--> statement-breakpoint

-- As in 0001_sessions.sql, and refuses dates that lie ahead, as refuse_future() does.
CREATE OR REPLACE FUNCTION global_logout.admit_session() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
DROP TRIGGER session_not_from_the_future ON global_logout.session;
--> statement-breakpoint
CREATE TRIGGER session_not_from_the_future BEFORE UPDATE OF "createdAt", "lastSeenAt" ON global_logout.session FOR EACH ROW
	WHEN (new."createdAt" > clock_timestamp() + make_interval(mins => 1)
		OR new."lastSeenAt" > clock_timestamp() + make_interval(mins => 1))
	EXECUTE FUNCTION global_logout.refuse_future('createdAt', 'lastSeenAt');
