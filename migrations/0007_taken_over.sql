-- Sessions that were taken over, and signed out, and lost by a server with both. Their ids are lost, too: the token could be taken over
-- again. So an act is kept with the hashes of such tokens, and redone with them.

-- Nothing in another schema can take the place of a name in this file.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
--> statement-breakpoint

-- As in 0003_applications.sql, with "takenOver": the hashed tokens of those of the ended sessions that were taken over. Volatile, because
-- it reads what end_sessions() wrote in the same statement.
CREATE OR REPLACE FUNCTION global_logout.kept_act(act global_logout.operation, id uuid, session_ids uuid[]) RETURNS text LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp AS $$
	SELECT json_build_object('id', kept_act.id, 'what', json_strip_nulls(to_json(act)), 'sessionIds', session_ids, 'takenOver', (
		SELECT coalesce(json_agg(r.session_token), '[]') FROM global_logout.revoked_session r
		JOIN global_logout.taken_over t ON t.session_token = r.session_token
		WHERE r.xid = pg_current_xact_id() AND r.operation_id = kept_act.id
	))::text
$$;
--> statement-breakpoint
-- As in 0006_cheaper_revocations.sql. "act" may have "taken_over", a list of hashed tokens: their sessions end, whatever their ids are here,
-- and none of them is taken over from now on.
CREATE OR REPLACE FUNCTION global_logout.redo_operation(act jsonb, session_ids uuid[], relock boolean, OUT xid text, OUT ended integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET work_mem = '64MB' AS $$
#variable_conflict use_variable
DECLARE
	redone global_logout.operation := jsonb_populate_record(NULL::global_logout.operation, act);
	until CONSTANT timestamptz := nullif(redone.result ->> 'lockedUntil', 'forever')::timestamptz;
	tokens CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(act -> 'taken_over'));
BEGIN
	PERFORM global_logout.begin_act(redone.kind);
	PERFORM FROM global_logout."user" u WHERE u.id = redone.user_id FOR UPDATE;
	IF EXISTS (SELECT FROM global_logout.operation o WHERE o.id = (redone.result #>> '{redone,operationId}')::uuid) THEN
		RETURN;
	END IF;
	redone.revoked_count := -1;
	INSERT INTO global_logout.operation SELECT redone.* ON CONFLICT (id) DO NOTHING;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	xid := pg_current_xact_id()::text;
	IF relock AND coalesce(until > clock_timestamp(), true) THEN
		INSERT INTO global_logout.user_lock AS held (user_id, until, reason) VALUES (redone.user_id, until, redone.reason)
			ON CONFLICT (user_id) DO UPDATE SET until = excluded.until, reason = excluded.reason, locked_at = excluded.locked_at
			WHERE held.until < coalesce(excluded.until, 'infinity');
	END IF;
	-- Waits for one that is being taken over, so that the next statement sees its session.
	INSERT INTO global_logout.taken_over (session_token) SELECT unnest(tokens) ON CONFLICT DO NOTHING;
	PERFORM set_config('global_logout.operation_id', redone.id::text, true);
	DELETE FROM global_logout.session s
		WHERE s.id = ANY (session_ids) OR s."sessionToken" = ANY (tokens) OR (redone.kind = 'user.delete' AND s."userId" = redone.user_id);
	PERFORM set_config('global_logout.operation_id', '', true);
	SELECT count(*) INTO ended FROM global_logout.revoked_session r
		WHERE r.xid = pg_current_xact_id() AND r.operation_id = redone.id;
	IF redone.kind = 'user.delete' THEN
		DELETE FROM global_logout."user" u WHERE u.id = redone.user_id;
	END IF;
	UPDATE global_logout.operation o SET revoked_count = ended WHERE o.id = redone.id;
END $$;
