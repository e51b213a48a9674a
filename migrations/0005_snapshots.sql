-- No act under an old snapshot. A function that locks a user and then reads what was committed meanwhile needs a new snapshot for each
-- statement, as READ COMMITTED takes it. Under REPEATABLE READ and SERIALIZABLE all statements have the one with which the transaction
-- began: a sign-out would answer success while sessions of later sign-ins live, and a session that was signed out would be taken over.

-- Nothing in another schema can take the place of a name in this file.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
--> statement-breakpoint

-- As in 0003_applications.sql, and refuses an old snapshot (GL003) to an act with required arguments. The others may have one: a use
-- (use_session()) waits for nothing and answers as of its snapshot; deleting a user (remove_user()) cascades to sessions, where
-- PostgreSQL itself refuses to miss one (40001), so that an application may delete its users in a SERIALIZABLE transaction.
CREATE OR REPLACE FUNCTION global_logout.begin_act(VARIADIC required text[] DEFAULT '{}') RETURNS void LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF '' = ANY (required) OR array_position(required, NULL) IS NOT NULL THEN
		RAISE EXCEPTION 'token_hash, user_id and scope must not be empty' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF pg_is_in_recovery() THEN
		RAISE EXCEPTION 'this server is a standby, which may lag behind' USING ERRCODE = 'read_only_sql_transaction';
	END IF;
	IF current_setting('session_replication_role') = 'replica' THEN
		RAISE EXCEPTION 'session_replication_role is replica: ended sessions would leave no record' USING ERRCODE = 'read_only_sql_transaction';
	END IF;
	IF required <> '{}' AND current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
		RAISE EXCEPTION 'the transaction is %, and would miss sessions that were committed since it began', upper(current_setting('transaction_isolation'))
			USING ERRCODE = 'GL003', HINT = 'Call the function in a transaction of its own: BEGIN ISOLATION LEVEL READ COMMITTED.';
	END IF;
	IF current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN
		PERFORM set_config('synchronous_commit', 'on', true);
	END IF;
END $$;
--> statement-breakpoint
-- As in 0003_applications.sql, and an act by itself: the service calls it for staff.
CREATE OR REPLACE FUNCTION global_logout.end_sessions(
	act global_logout.operation, only_id uuid, except_id uuid, most integer,
	OUT operation_id uuid, OUT ended integer, OUT ids uuid[], OUT revoked jsonb
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
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
	SELECT count(*), coalesce(array_agg(r.session_id), '{}') INTO ended, ids FROM global_logout.revoked_session r WHERE r.operation_id = operation_id;
	SELECT coalesce(jsonb_agg(jsonb_build_object('id', e.session_id, 'createdAt', e.created_at, 'lastSeenAt', e.last_seen_at,
		'ipAddress', host(e.ip_address), 'userAgent', e.user_agent) ORDER BY e.last_seen_at DESC, e.session_id), '[]')
		INTO revoked FROM (
			SELECT r.* FROM global_logout.revoked_session r WHERE r.operation_id = operation_id
			ORDER BY r.last_seen_at DESC, r.session_id LIMIT most
		) e;
	UPDATE global_logout.operation o SET revoked_count = ended WHERE o.id = operation_id;
END $$;
