-- A logout whose own session appears while it waits for the lock of another user: several cookies of a browser, or a token that is being
-- taken over. It went on without the lock of its own user, and a sign-in in progress could escape it.

-- Nothing in another schema can take the place of a name in this file.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
--> statement-breakpoint

-- As in 0003_applications.sql, and locks the user of the session that it ends.
CREATE OR REPLACE FUNCTION global_logout.log_out(
	token_hash text, scope text, only_id uuid, others text[], user_agent text, ip_address inet, request_id text, most integer,
	may_be_large boolean,
	OUT xid text, OUT outcome text, OUT signed_out boolean, OUT operation_id uuid, OUT ended integer, OUT revoked jsonb, OUT sessions integer, OUT acts text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
#variable_conflict use_variable
DECLARE
	asker global_logout.session;
	other global_logout.session;
	before global_logout.revoked_session;
	act global_logout.operation;
	kept text[] := '{}';
	locked text[];
	done record;
BEGIN
	PERFORM global_logout.begin_act(token_hash, scope);
	IF scope NOT IN ('local', 'others', 'global') THEN
		RAISE EXCEPTION 'scope must be local, others or global' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	xid := pg_current_xact_id()::text;
	ended := 0;
	revoked := '[]';
	acts := '[]';
	-- Logins in progress have committed when the lock is held; the next statements see them. Of two logouts the second finds the session
	-- over. Several users are locked in one order, so that two such logouts do not wait for each other. A session that appeared while the
	-- lock was waited for is of a user who is not locked yet.
	LOOP
		SELECT array_agg(l.id) INTO locked FROM (
			SELECT u.id FROM global_logout."user" u WHERE u.id IN (
				SELECT (global_logout.valid_session(given))."userId" FROM unnest(others || token_hash) given
			) ORDER BY u.id FOR UPDATE
		) l;
		asker := global_logout.valid_session(token_hash);
		EXIT WHEN asker.id IS NULL OR asker."userId" = ANY (locked);
	END LOOP;
	IF asker.id IS NOT NULL AND only_id IS NOT NULL AND only_id <> asker.id AND NOT EXISTS (
		SELECT FROM global_logout.session s WHERE s."userId" = asker."userId" AND s.id = only_id
			AND (global_logout.valid_session(s."sessionToken")).id IS NOT NULL
	) THEN
		SELECT r.* INTO before FROM global_logout.revoked_session r WHERE r.user_id = asker."userId" AND r.session_id = only_id LIMIT 1;
		-- The record of a session that an incident for everyone has ended may follow later.
		outcome := CASE WHEN before.id IS NOT NULL OR EXISTS (
			SELECT FROM global_logout.session s, global_logout.session_policy p WHERE s."userId" = asker."userId" AND s.id = only_id AND s.epoch < p.epoch
		) THEN 'repeated' ELSE 'not_found' END;
		operation_id := before.operation_id;
		signed_out := false;
		RETURN;
	END IF;
	IF asker.id IS NOT NULL THEN
		IF NOT may_be_large AND only_id IS NULL AND scope <> 'local' THEN
			SELECT count(*) INTO sessions FROM (SELECT FROM global_logout.session s WHERE s."userId" = asker."userId" LIMIT 1001) listed;
			IF sessions > 1000 THEN
				SELECT count(*) INTO sessions FROM global_logout.session s WHERE s."userId" = asker."userId";
				outcome := 'large';
				RETURN;
			END IF;
		END IF;
		act := global_logout.act_of_user(CASE WHEN only_id IS NULL THEN 'logout' ELSE 'session.end' END, CASE WHEN only_id IS NULL THEN scope END,
			asker, ip_address, user_agent, request_id);
		SELECT e.* INTO done FROM global_logout.end_sessions(act, coalesce(only_id, CASE WHEN scope = 'local' THEN asker.id END),
			CASE WHEN scope = 'others' THEN asker.id END, most) e;
		operation_id := done.operation_id;
		ended := done.ended;
		revoked := done.revoked;
		kept := ARRAY[global_logout.kept_act(act, done.operation_id, done.ids)];
		outcome := 'done';
		signed_out := CASE WHEN only_id IS NULL THEN scope <> 'others' ELSE only_id = asker.id END;
	ELSE
		SELECT r.* INTO before FROM global_logout.revoked_session r WHERE r.session_token = token_hash ORDER BY r.id DESC LIMIT 1;
		outcome := CASE
			WHEN CASE WHEN only_id IS NOT NULL THEN only_id = before.session_id
					OR EXISTS (SELECT FROM global_logout.session s WHERE s."sessionToken" = token_hash AND s.id = only_id)
				WHEN scope = 'local' THEN before.id IS NOT NULL
					OR EXISTS (SELECT FROM global_logout.session s WHERE s."sessionToken" = token_hash)
				ELSE EXISTS (SELECT FROM global_logout.operation o WHERE o.id = before.operation_id AND o.scope = 'global') END
			THEN 'repeated' ELSE 'refused' END;
		signed_out := outcome = 'repeated';
		-- Only the session that asked may see what it ended; a thief whose session was ended may not.
		SELECT o.id INTO operation_id FROM global_logout.operation o
			WHERE signed_out AND o.id = before.operation_id AND o.actor_session_id = before.session_id;
	END IF;
	IF signed_out THEN
		FOR other IN SELECT s.* FROM global_logout.session s WHERE s."sessionToken" = ANY (others) AND (global_logout.valid_session(s."sessionToken")).id IS NOT NULL LOOP
			act := global_logout.act_of_user('logout', 'local', other, ip_address, user_agent, request_id);
			SELECT e.* INTO done FROM global_logout.end_sessions(act, other.id, NULL, most) e;
			ended := ended + done.ended;
			revoked := revoked || done.revoked;
			kept := kept || global_logout.kept_act(act, done.operation_id, done.ids);
		END LOOP;
	END IF;
	acts := '[' || array_to_string(kept, ',') || ']';
END $$;
