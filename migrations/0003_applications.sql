-- What an application may do by SQL: one function for each act, each a statement of its own. So any driver will do, and a pooler in
-- transaction mode. The role global_logout_application may call these functions, and neither read nor write the tables behind them.
-- The role global_logout_staff_application may call the same, also for users who are security staff.
--
-- How functions are written, and why, is said in 0001_sessions.sql. Each act is durable when its commit returns, and returns the id of
-- its transaction. Where it may have ended a session, the caller then waits until no instance answers from memory for that id.

-- Nothing in another schema can take the place of a name in this file.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
--> statement-breakpoint

-- Begins every act. Its arguments that are required must not be empty. A standby may lag behind, and without triggers an ended
-- session would leave no record. Makes the commit wait for the disk and for synchronous replicas, unless the default is at least as
-- strict.
--
-- Refuses an old snapshot (GL003) to an act with required arguments. Such an act locks a user and then reads what was committed
-- meanwhile, which needs a new snapshot for each statement, as READ COMMITTED takes it. Under REPEATABLE READ and SERIALIZABLE all
-- statements have the one with which the transaction began: a sign-out would answer success while sessions of later sign-ins live, and a
-- session that was signed out would be taken over. The others may have one: a use (use_session()) waits for nothing and answers as of
-- its snapshot; deleting a user (remove_user()) cascades to sessions, where PostgreSQL itself refuses to miss one (40001), so that an
-- application may delete its users in a SERIALIZABLE transaction.
CREATE FUNCTION global_logout.begin_act(VARIADIC required text[] DEFAULT '{}') RETURNS void LANGUAGE plpgsql
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
-- Whether the login that calls an act may do it to security staff: it may then act as any of them. That is each login that may execute
-- this function. Which login asks is found as in named_operation().
CREATE FUNCTION global_logout.may_act_on_staff() RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT has_function_privilege(coalesce(nullif(current_setting('role'), 'none'), session_user)::name,
		'global_logout.may_act_on_staff()'::regprocedure::oid, 'execute')
$$;
--> statement-breakpoint
-- Refuses security staff, unless the login may act on them. Service keys have the same rule, by their scope "security"
-- (src/sessions/refuse-staff.ts). Returns the "keyId" of a session that the login makes: for one that may not act on staff it is that
-- of no key, so that the session has no role either if its user gets one later.
CREATE FUNCTION global_logout.refuse_staff(user_id text) RETURNS uuid LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
	IF global_logout.may_act_on_staff() THEN
		RETURN NULL;
	END IF;
	IF EXISTS (SELECT FROM global_logout.staff s WHERE s.user_id = user_id) THEN
		RAISE EXCEPTION 'this user is security staff: to sign them in or delete them, the login needs the role global_logout_staff_application'
			USING ERRCODE = 'GL002';
	END IF;
	RETURN '00000000-0000-0000-0000-000000000000';
END $$;
--> statement-breakpoint
-- Ends sessions of the user of "act", whose row is locked, and records it as this operation: all, or only one, or all except one.
-- The operation comes first, and is under way until its count is written: until then named_operation() accepts it from any login.
-- Returns how many were valid, as the trigger has decided, their ids, and "most" of them at most, last seen first. The trigger keeps
-- 100,000 rows in 25 MB of memory: with less they go through a file.
-- The revocations are read once, for their number, their ids and the last seen: of 100,000 that takes 89 ms, and reading them twice 155.
-- LIMIT 1 keeps the last seen from being looked up by the transaction alone, once for each.
CREATE FUNCTION global_logout.end_sessions(
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
-- Carries out again an operation that the service answered as done and that this server has lost, as after an asynchronous failover.
-- "act" is the record of the new operation. Its id derives from that of the lost one, so that of several processes one does it, once;
-- its result says which one is redone. Ends these sessions only: a later sign-in stays, unless the user was deleted. "relock" sets the
-- lock that the result names. "act" may have "taken_over", a list of hashed tokens: their sessions end, whatever their ids are here, and
-- none of them is taken over from now on. Returns null where this server has either operation.
CREATE FUNCTION global_logout.redo_operation(act jsonb, session_ids uuid[], relock boolean, OUT xid text, OUT ended integer)
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
--> statement-breakpoint
-- What a user does to sessions of their own, as an operation.
CREATE FUNCTION global_logout.act_of_user(
	kind text, scope text, asker global_logout.session, ip_address inet, user_agent text, request_id text
) RETURNS global_logout.operation LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_populate_record(NULL::global_logout.operation, jsonb_build_object('kind', kind, 'scope', scope, 'actor_kind', 'user',
		'actor_id', asker."userId", 'actor_session_id', asker.id, 'user_id', asker."userId", 'ip_address', ip_address,
		'user_agent', user_agent, 'request_id', request_id))
$$;
--> statement-breakpoint
-- The valid session of a token, or null.
CREATE FUNCTION global_logout.valid_session(token_hash text) RETURNS global_logout.session LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp AS $$
	SELECT s FROM global_logout.session s, global_logout.session_policy p
	WHERE s."sessionToken" = token_hash
		AND clock_timestamp() < global_logout.session_ends_at(s.expires, s."createdAt", s."lastSeenAt", s.epoch, p.idle_timeout_seconds, p.max_age_seconds, p.epoch)
$$;
--> statement-breakpoint
-- Locks the row of a user who signs in, and mirrors what the application knows: a field of "profile" that is left out keeps its
-- value. Logouts of the user wait, and this waits for them, also where nothing is to be written. Returns whether the row is new.
CREATE FUNCTION global_logout.mirror_user(user_id text, profile jsonb) RETURNS boolean LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	is_new boolean;
BEGIN
	INSERT INTO global_logout."user" AS mirror (id, name, email, image)
		VALUES (user_id, profile ->> 'name', profile ->> 'email', profile ->> 'image')
		ON CONFLICT (id) DO UPDATE SET
			name = CASE WHEN profile ? 'name' THEN excluded.name ELSE mirror.name END,
			email = CASE WHEN profile ? 'email' THEN excluded.email ELSE mirror.email END,
			image = CASE WHEN profile ? 'image' THEN excluded.image ELSE mirror.image END
		WHERE (profile ? 'name' AND excluded.name IS DISTINCT FROM mirror.name)
			OR (profile ? 'email' AND excluded.email IS DISTINCT FROM mirror.email)
			OR (profile ? 'image' AND excluded.image IS DISTINCT FROM mirror.image)
		RETURNING mirror.xmax = 0 INTO is_new;
	RETURN coalesce(is_new, false);
END $$;
--> statement-breakpoint
-- An act as the service keeps it, in case that a server loses it: JSON. "takenOver" are the hashed tokens of those of the ended sessions
-- that were taken over: where both acts are lost, the token could be taken over again. Volatile, because it reads what end_sessions()
-- wrote in the same statement.
CREATE FUNCTION global_logout.kept_act(act global_logout.operation, id uuid, session_ids uuid[]) RETURNS text LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp AS $$
	SELECT json_build_object('id', kept_act.id, 'what', json_strip_nulls(to_json(act)), 'sessionIds', session_ids, 'takenOver', (
		SELECT coalesce(json_agg(r.session_token), '[]') FROM global_logout.revoked_session r
		JOIN global_logout.taken_over t ON t.session_token = r.session_token
		WHERE r.xid = pg_current_xact_id() AND r.operation_id = kept_act.id
	))::text
$$;
--> statement-breakpoint
-- A sign-in. Mirrors the user. The session of "replaces", the previous token of this browser, ends in the same transaction, which
-- prevents session fixation; "acts" is a list with that act. "key_id" is the service key that asks, or null; security staff are refused
-- unless "for_staff". A trigger on "session" refuses locked users.
CREATE FUNCTION global_logout.log_in(
	token_hash text, user_id text, profile jsonb, user_agent text, ip_address inet, replaces text, key_id uuid, for_staff boolean,
	request_id text,
	OUT xid text, OUT session_id uuid, OUT created_at timestamptz, OUT expires_at timestamptz, OUT ends_at timestamptz, OUT acts text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
#variable_conflict use_variable
DECLARE
	policy global_logout.session_policy;
	old global_logout.session;
	made global_logout.session;
	act global_logout.operation;
BEGIN
	PERFORM global_logout.begin_act(token_hash, user_id);
	acts := '[]';
	PERFORM global_logout.mirror_user(user_id, profile);
	IF NOT for_staff AND EXISTS (SELECT FROM global_logout.staff s WHERE s.user_id = user_id) THEN
		RAISE EXCEPTION 'this user is security staff: to sign them in, the login needs the role global_logout_staff_application'
			USING ERRCODE = 'GL002';
	END IF;
	IF replaces IS NOT NULL THEN
		old := global_logout.valid_session(replaces);
		IF old.id IS NOT NULL THEN
			act := global_logout.act_of_user('session.replace', NULL, old, ip_address, user_agent, request_id);
			IF key_id <> '00000000-0000-0000-0000-000000000000' THEN
				act.actor_kind := 'service';
				act.actor_id := key_id;
			END IF;
			SELECT '[' || global_logout.kept_act(act, e.operation_id, e.ids) || ']' INTO acts FROM global_logout.end_sessions(act, old.id, NULL, 0) e;
		END IF;
	END IF;
	xid := pg_current_xact_id()::text;
	SELECT * INTO STRICT policy FROM global_logout.session_policy;
	INSERT INTO global_logout.session ("sessionToken", "userId", expires, "ipAddress", "userAgent", "keyId")
		VALUES (token_hash, user_id, (statement_timestamp() + make_interval(secs => policy.max_age_seconds::double precision)) AT TIME ZONE 'utc',
			ip_address, user_agent, key_id)
		RETURNING * INTO made;
	session_id := made.id;
	created_at := made."createdAt";
	expires_at := made.expires AT TIME ZONE 'utc';
	ends_at := global_logout.session_ends_at(made.expires, made."createdAt", made."lastSeenAt", made.epoch, policy.idle_timeout_seconds, policy.max_age_seconds, policy.epoch);
END $$;
--> statement-breakpoint
-- The same for an application, which names no key. The session of one that may not act on staff has the id of no key, so that it has no
-- role either if its user gets one later.
CREATE FUNCTION global_logout.sign_in(
	token_hash text, user_id text, profile jsonb DEFAULT '{}', user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL,
	replaces text DEFAULT NULL,
	OUT xid text, OUT session_id uuid, OUT created_at timestamptz, OUT expires_at timestamptz, OUT ends_at timestamptz
) LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
	SELECT l.xid, l.session_id, l.created_at, l.expires_at, l.ends_at FROM global_logout.may_act_on_staff() AS for_staff,
		LATERAL global_logout.log_in(token_hash, user_id, profile, user_agent, ip_address, replaces,
			CASE WHEN NOT for_staff THEN '00000000-0000-0000-0000-000000000000'::uuid END, for_staff, NULL) l
$$;
--> statement-breakpoint
-- Takes over a session that another store holds: its token gets a session of ours, and stays. "outcome" is "taken", or "known" where
-- this user has a session of it already. Else it gets none: because of the token ("expired", "ended", also where another user has
-- it), or of its user ("locked", "signed_out", "no_user"). "key_id" is the service key that asks.
--
-- Nothing that has ended comes back. A token is taken over once. And it is not known when such a session began: so every act that
-- ended other sessions of this user counts as later. The kinds that do not are listed, and a new kind refuses until it is listed, too.
--
-- The user counts as signed in half the maximum age ago: no recent sign-in where one is asked for, and not yet too old.
CREATE FUNCTION global_logout.take_over(
	token_hash text, user_id text, expires timestamptz, profile jsonb, user_agent text, ip_address inet, key_id uuid,
	OUT xid text, OUT outcome text, OUT session_id uuid, OUT expires_at timestamptz
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
#variable_conflict use_variable
DECLARE
	policy global_logout.session_policy;
	is_new boolean;
	made global_logout.session;
BEGIN
	PERFORM global_logout.begin_act(token_hash);
	SELECT * INTO STRICT policy FROM global_logout.session_policy;
	xid := pg_current_xact_id()::text;
	IF user_id <> '' IS NOT TRUE THEN
		outcome := 'no_user';
		RETURN;
	END IF;
	-- A logout of the user has committed when the lock is held, or waits; the next statements see it.
	is_new := global_logout.mirror_user(user_id, profile);
	made := global_logout.valid_session(token_hash);
	IF made."userId" <> user_id THEN
		made := NULL;
	END IF;
	outcome := CASE
		WHEN made.id IS NOT NULL THEN 'known'
		WHEN EXISTS (SELECT FROM global_logout.taken_over t WHERE t.session_token = token_hash)
			OR EXISTS (SELECT FROM global_logout.session s WHERE s."sessionToken" = token_hash)
			OR EXISTS (SELECT FROM global_logout.revoked_session r WHERE r.session_token = token_hash) THEN 'ended'
		WHEN expires > clock_timestamp() IS NOT TRUE THEN 'expired'
		WHEN EXISTS (SELECT FROM global_logout.user_lock l WHERE l.user_id = user_id AND coalesce(l.until > clock_timestamp(), true)) THEN 'locked'
		WHEN EXISTS (SELECT FROM global_logout.operation o WHERE o.user_id = user_id
				AND o.kind NOT IN ('session.end', 'session.replace', 'user.unlock', 'user.role')
				AND (o.kind = 'logout' AND o.scope = 'local') IS NOT TRUE)
			-- Ended by SQL: it may have been meant for all.
			OR EXISTS (SELECT FROM global_logout.revoked_session r WHERE r.user_id = user_id AND r.operation_id IS NULL)
			OR EXISTS (SELECT FROM global_logout.incident i WHERE i.state <> 'planned'
				AND (i.user_ids IS NULL OR user_id = ANY (i.user_ids))) THEN 'signed_out'
		ELSE 'taken'
	END;
	IF outcome = 'taken' THEN
		INSERT INTO global_logout.taken_over (session_token) VALUES (token_hash) ON CONFLICT DO NOTHING;
		IF NOT FOUND THEN
			-- Meanwhile, for another user: this one is locked.
			outcome := 'ended';
		END IF;
	END IF;
	IF outcome = 'taken' THEN
		INSERT INTO global_logout.session ("sessionToken", "userId", expires, "createdAt", "ipAddress", "userAgent", "keyId")
			VALUES (token_hash, user_id, expires AT TIME ZONE 'utc',
				statement_timestamp() - make_interval(secs => policy.max_age_seconds::double precision / 2::double precision),
				ip_address, user_agent, key_id)
			RETURNING * INTO made;
	ELSIF outcome <> 'known' AND is_new THEN
		DELETE FROM global_logout."user" u WHERE u.id = user_id AND NOT EXISTS (SELECT FROM global_logout.session s WHERE s."userId" = user_id);
	END IF;
	session_id := made.id;
	expires_at := least(made.expires AT TIME ZONE 'utc', made."createdAt" + make_interval(secs => policy.max_age_seconds::double precision));
END $$;
--> statement-breakpoint
-- The same for an application, which names no key.
CREATE FUNCTION global_logout.take_over(
	token_hash text, user_id text, expires timestamptz, profile jsonb DEFAULT '{}', user_agent text DEFAULT NULL,
	ip_address inet DEFAULT NULL,
	OUT xid text, OUT outcome text, OUT session_id uuid, OUT expires_at timestamptz
) LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
	SELECT t.* FROM global_logout.take_over(token_hash, user_id, expires, profile, user_agent, ip_address, global_logout.refuse_staff(user_id)) t
$$;
--> statement-breakpoint
-- A check. Records a use, at most once a minute or a quarter of a shorter idle timeout. One that is not an activity of the user does
-- not extend the session. Returns no row for a session that is over, or unknown.
CREATE FUNCTION global_logout.use_session(token_hash text, activity boolean DEFAULT true)
RETURNS TABLE (user_id text, session_id uuid, created_at timestamptz, expires_at timestamptz, ends_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
#variable_conflict use_column
DECLARE
	policy global_logout.session_policy;
	used global_logout.session := global_logout.valid_session(token_hash);
BEGIN
	PERFORM global_logout.begin_act();
	IF used.id IS NULL THEN
		RETURN;
	END IF;
	SELECT * INTO STRICT policy FROM global_logout.session_policy;
	IF (CASE WHEN activity THEN used."lastSeenAt" ELSE greatest(used."lastSeenAt", used."passiveAt") END) < statement_timestamp()
		- make_interval(secs => least(60::double precision, policy.idle_timeout_seconds::double precision / 4::double precision)) THEN
		-- A row that a logout has locked is skipped: a use is not worth a wait.
		UPDATE global_logout.session s SET
			"lastSeenAt" = CASE WHEN activity THEN statement_timestamp() ELSE s."lastSeenAt" END,
			"passiveAt" = CASE WHEN activity THEN s."passiveAt" ELSE statement_timestamp() END
			WHERE s.id = (SELECT due.id FROM global_logout.session due WHERE due.id = used.id FOR UPDATE SKIP LOCKED)
			RETURNING s.* INTO used;
		IF NOT FOUND THEN
			used := global_logout.valid_session(token_hash);
			IF used.id IS NULL THEN
				RETURN;
			END IF;
		END IF;
	END IF;
	RETURN QUERY SELECT used."userId", used.id, used."createdAt", used.expires AT TIME ZONE 'utc',
		global_logout.session_ends_at(used.expires, used."createdAt", used."lastSeenAt", used.epoch, policy.idle_timeout_seconds, policy.max_age_seconds, policy.epoch);
END $$;
--> statement-breakpoint
-- A logout of this session ("local"), of all others ("others") or of all ("global"), or the end of the session "only_id". Where it signs
-- out, the sessions of "others" end, too: the tokens of other cookies of the browser. More than a thousand sessions take longer than a
-- statement may: unless "may_be_large", nothing ends, and "sessions" is their number.
-- "acts" is the list of acts, as kept_act() has them.
--
-- "outcome" is "done", "large", "repeated" where an earlier act has done what this one asks, "not_found" where the user never had
-- that session, or "refused" where this session is over and no act has done it. Only where it is "done" something is recorded.
CREATE FUNCTION global_logout.log_out(
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
--> statement-breakpoint
-- Ends all sessions of the user of "act", the record of the operation. Where "locks", refuses new ones for "lock_seconds", or until staff
-- lift the lock (null); a longer lock in force stays, and "locked_until" is its end. More than a thousand sessions take longer than a
-- statement may: unless "may_be_large", nothing ends, and "sessions" is their number. "acts" is the list of acts, as kept_act() has them.
--
-- "outcome" is "done", "large", or "not_found" where nothing here has that user: no row, role or lock. One who "may_be_unknown" gets a row.
CREATE FUNCTION global_logout.revoke_user(
	act jsonb, locks boolean, lock_seconds integer, may_be_unknown boolean, most integer, may_be_large boolean,
	OUT xid text, OUT outcome text, OUT operation_id uuid, OUT ended integer, OUT revoked jsonb, OUT sessions integer, OUT acts text,
	OUT locked_until timestamptz, OUT lock_reason text, OUT locked_at timestamptz
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
#variable_conflict use_variable
DECLARE
	what global_logout.operation := jsonb_populate_record(NULL::global_logout.operation, act);
	is_known boolean;
	done record;
BEGIN
	PERFORM global_logout.begin_act(what.user_id, what.reason);
	PERFORM FROM global_logout."user" u WHERE u.id = what.user_id FOR UPDATE;
	IF NOT FOUND THEN
		is_known := EXISTS (SELECT FROM global_logout.staff s WHERE s.user_id = what.user_id)
			OR EXISTS (SELECT FROM global_logout.user_lock l WHERE l.user_id = what.user_id AND coalesce(l.until > clock_timestamp(), true));
		IF NOT is_known AND NOT may_be_unknown THEN
			outcome := 'not_found';
			RETURN;
		END IF;
		-- Without a row, a sign-in in progress or a session that is being taken over would escape. A lock waits for them by itself.
		IF NOT is_known OR NOT locks THEN
			PERFORM global_logout.mirror_user(what.user_id, '{}');
			PERFORM FROM global_logout."user" u WHERE u.id = what.user_id FOR UPDATE;
		END IF;
	END IF;
	IF NOT may_be_large THEN
		SELECT count(*) INTO sessions FROM (SELECT FROM global_logout.session s WHERE s."userId" = what.user_id LIMIT 1001) listed;
		IF sessions > 1000 THEN
			SELECT count(*) INTO sessions FROM global_logout.session s WHERE s."userId" = what.user_id;
			outcome := 'large';
			RETURN;
		END IF;
	END IF;
	IF locks THEN
		INSERT INTO global_logout.user_lock AS held (user_id, until, reason)
			VALUES (what.user_id, clock_timestamp() + make_interval(secs => lock_seconds::double precision), what.reason)
			ON CONFLICT (user_id) DO UPDATE SET until = excluded.until, reason = excluded.reason, locked_at = excluded.locked_at
			WHERE held.until < coalesce(excluded.until, 'infinity');
		SELECT l.until, l.reason, l.locked_at INTO STRICT locked_until, lock_reason, locked_at FROM global_logout.user_lock l WHERE l.user_id = what.user_id;
		what.result := jsonb_build_object('lockedUntil', global_logout.until_text(locked_until));
	END IF;
	-- A statement of its own, after that of the lock: it sees the sign-ins that the lock waited for.
	SELECT e.* INTO done FROM global_logout.end_sessions(what, NULL, NULL, most) e;
	xid := pg_current_xact_id()::text;
	outcome := 'done';
	operation_id := done.operation_id;
	ended := done.ended;
	revoked := done.revoked;
	acts := '[' || global_logout.kept_act(what, operation_id, done.ids) || ']';
END $$;
--> statement-breakpoint
-- The same for an application. Where the session is over, "ended" says whether an earlier logout has done what this one asks.
CREATE FUNCTION global_logout.sign_out(
	token_hash text, scope text DEFAULT 'local', user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL, request_id text DEFAULT NULL,
	OUT xid text, OUT ended boolean, OUT operation_id uuid, OUT revoked_count integer, OUT revoked jsonb
) LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
	SELECT l.xid, l.outcome <> 'refused', l.operation_id, l.ended, l.revoked
	FROM global_logout.log_out(token_hash, scope, NULL, '{}', user_agent, ip_address, request_id, 100, true) l
$$;
--> statement-breakpoint
-- A user who is deleted in the application: ends the sessions and forgets the mirrored row. A lock stays. Returns the number of
-- sessions that ended. Recorded also where the user has none here: another store may hold some, which are not taken over then.
-- Repeating it records nothing more, and "operation_id" is null.
CREATE FUNCTION global_logout.remove_user(
	user_id text, actor_kind text, actor_id text, request_id text DEFAULT NULL,
	OUT xid text, OUT operation_id uuid, OUT ended integer
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
#variable_conflict use_variable
DECLARE
	act global_logout.operation;
	is_new boolean;
BEGIN
	PERFORM global_logout.begin_act();
	xid := pg_current_xact_id()::text;
	ended := 0;
	-- Where the user has no row, one is made: else a session of this user that is being taken over would not wait for this.
	is_new := global_logout.mirror_user(user_id, '{}');
	IF is_new AND EXISTS (SELECT FROM global_logout.operation o WHERE o.user_id = user_id AND o.kind = 'user.delete') THEN
		DELETE FROM global_logout."user" u WHERE u.id = user_id;
		RETURN;
	END IF;
	PERFORM FROM global_logout."user" u WHERE u.id = user_id FOR UPDATE;
	act.kind := 'user.delete';
	act.actor_kind := actor_kind;
	act.actor_id := actor_id;
	act.user_id := user_id;
	act.request_id := request_id;
	SELECT e.operation_id, e.ended INTO operation_id, ended FROM global_logout.end_sessions(act, NULL, NULL, 0) e;
	DELETE FROM global_logout."user" u WHERE u.id = user_id;
END $$;
--> statement-breakpoint
-- The same for an application: the actor is its login.
CREATE FUNCTION global_logout.delete_user(user_id text, OUT xid text, OUT ended integer) LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
#variable_conflict use_variable
BEGIN
	PERFORM global_logout.begin_act(user_id);
	SELECT r.xid, r.ended INTO xid, ended FROM global_logout.remove_user(user_id, 'database', session_user::text) r;
	-- Under the lock of the user, and undone by the error.
	PERFORM global_logout.refuse_staff(user_id);
END $$;
--> statement-breakpoint
-- For each transaction, the instances that have not acknowledged it, 64 at most: they may answer from memory. Who knows the id of an instance may
-- acknowledge in its name, so an application gets a digest of it.
CREATE FUNCTION global_logout.lagging_instances(xids text[]) RETURNS TABLE (xid text, id uuid, beat bigint) LANGUAGE sql STABLE
	SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
	SELECT asked.xid, left(encode(sha256(convert_to(lagging.id::text, 'UTF8')), 'hex'), 32)::uuid, lagging.beat
	FROM unnest(xids) AS asked (xid),
	LATERAL (SELECT i.id, i.beat FROM global_logout.instance i WHERE pg_visible_in_snapshot(asked.xid::xid8, i.applied) IS NOT TRUE LIMIT 64) lagging
$$;
--> statement-breakpoint

-- An application that answers checks from its own memory is an instance, as the processes of the service are (src/leases/instance.ts).
-- Its id is random and its own secret: with it the functions write this row and no other. They never say whose session has ended, and
-- list the hashed tokens of revocations since the instance joined, none from before. An application that acknowledges nothing delays
-- each sign-out until its lease would have ended.

-- Joins. Nothing is in memory yet, so nothing that this snapshot shows as revoked.
CREATE FUNCTION global_logout.join_instances(instance_id uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
BEGIN
	PERFORM global_logout.begin_act(instance_id::text);
	INSERT INTO global_logout.instance (id, applied) VALUES (instance_id, pg_current_snapshot());
END $$;
--> statement-breakpoint
-- Acknowledges, and counts a heartbeat where "beats". The commit of a heartbeat is durable, as the lease needs it; one of an
-- acknowledgement alone waits for nothing. Returns whether the instance has its row still. What was acknowledged stays so.
CREATE FUNCTION global_logout.acknowledge_revocations(instance_id uuid, snapshot pg_snapshot, digests uuid[], beats boolean) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
BEGIN
	IF beats THEN
		PERFORM global_logout.begin_act(instance_id::text);
	ELSE
		PERFORM set_config('synchronous_commit', 'off', true);
	END IF;
	IF cardinality(digests) > 32 THEN
		RAISE EXCEPTION 'an instance lists at most 32 notices' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	UPDATE global_logout.instance i SET beat = i.beat + beats::integer, applied = snapshot, notices = digests
		WHERE i.id = instance_id AND pg_snapshot_xmin(snapshot) >= pg_snapshot_xmin(i.applied);
	RETURN FOUND;
END $$;
--> statement-breakpoint
-- The hashed tokens that "since" does not show as revoked, up to 10,001, with the snapshot of this read and the version of the policy.
-- Without "since" it is what the instance has acknowledged; older it cannot be. Null where the instance has no row any more.
CREATE FUNCTION global_logout.read_revocations(instance_id uuid, since pg_snapshot, OUT snapshot text, OUT policy text, OUT tokens text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
#variable_conflict use_variable
BEGIN
	PERFORM global_logout.begin_act(instance_id::text);
	IF since IS NULL THEN
		SELECT i.applied INTO since FROM global_logout.instance i WHERE i.id = instance_id;
	END IF;
	SELECT pg_current_snapshot()::text, p.xmin::text, ARRAY(
			SELECT r.session_token FROM global_logout.revoked_session r
				WHERE r.xid >= pg_snapshot_xmin(since) AND NOT pg_visible_in_snapshot(r.xid, since)
			UNION ALL SELECT c.session_token FROM global_logout.session_change c
				WHERE c.xid >= pg_snapshot_xmin(since) AND NOT pg_visible_in_snapshot(c.xid, since)
			LIMIT 10001)
		INTO snapshot, policy, tokens FROM global_logout.session_policy p, global_logout.instance i
		WHERE i.id = instance_id AND pg_snapshot_xmin(since) >= pg_snapshot_xmin(i.applied);
END $$;
--> statement-breakpoint
-- The instance answers nothing from memory any more.
CREATE FUNCTION global_logout.leave_instances(instance_id uuid) RETURNS void LANGUAGE sql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
	DELETE FROM global_logout.instance i WHERE i.id = instance_id
$$;
--> statement-breakpoint
-- What memory keeps of these hashed tokens: read_tokens() for an application. The server process keeps the plan.
CREATE FUNCTION global_logout.read_sessions(token_hashes text[])
RETURNS TABLE ("position" integer, user_id text, session_id uuid, created_at double precision, ends_at double precision,
	age double precision, life double precision, touch double precision, passive_touch double precision, touch_interval double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	RETURN QUERY SELECT * FROM global_logout.read_tokens(token_hashes);
END $$;
--> statement-breakpoint
-- Records uses that memory answered, as use_session() does. Returns how many were due.
CREATE FUNCTION global_logout.record_uses(session_ids uuid[], activity boolean) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	recorded integer;
BEGIN
	PERFORM global_logout.begin_act();
	UPDATE global_logout.session s SET
		"lastSeenAt" = CASE WHEN activity THEN statement_timestamp() ELSE s."lastSeenAt" END,
		"passiveAt" = CASE WHEN activity THEN s."passiveAt" ELSE statement_timestamp() END
		WHERE s.id IN (
			SELECT due.id FROM global_logout.session due, global_logout.session_policy p
			WHERE due.id = ANY (session_ids)
				AND statement_timestamp() < global_logout.session_ends_at(due.expires, due."createdAt", due."lastSeenAt", due.epoch, p.idle_timeout_seconds, p.max_age_seconds, p.epoch)
				AND (CASE WHEN activity THEN due."lastSeenAt" ELSE greatest(due."lastSeenAt", due."passiveAt") END) < statement_timestamp()
					- make_interval(secs => least(60::double precision, p.idle_timeout_seconds::double precision / 4::double precision))
			FOR UPDATE OF due SKIP LOCKED);
	GET DIAGNOSTICS recorded = ROW_COUNT;
	RETURN recorded;
END $$;
--> statement-breakpoint
-- Follows the application's own table of users, on which "global-logout users link" puts triggers that call this: names and emails
-- of the mirror stay in step, and the sessions of users end who are deleted or get another id, staff included: that is only safer.
-- The trigger for updates lists the columns, the id first; its arguments say what each is. So renamed columns are followed, and none
-- can change its type: nothing of the application runs here as the owner.
CREATE FUNCTION global_logout.follow_users() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
#variable_conflict use_variable
DECLARE
	read_columns text;
	before text[];
	after text[];
	mirrored text;
BEGIN
	IF NOT EXISTS (SELECT FROM global_logout.user_link l WHERE l.linked = TG_RELID) THEN
		RAISE EXCEPTION 'follow_users() is for linked tables alone';
	END IF;
	IF TG_OP = 'TRUNCATE' THEN
		FOR mirrored IN SELECT u.id FROM global_logout."user" u ORDER BY u.id LOOP
			PERFORM global_logout.remove_user(mirrored, 'database', session_user::text);
		END LOOP;
		RETURN NULL;
	END IF;
	SELECT 'SELECT ARRAY[' || string_agg(format('($1).%I::text', a.attname), ', ' ORDER BY listed.place) || ']' INTO read_columns
		FROM pg_trigger t, unnest(t.tgattr) WITH ORDINALITY AS listed (number, place), pg_attribute a
		WHERE t.tgrelid = TG_RELID AND t.tgfoid = 'global_logout.follow_users()'::regprocedure
			AND a.attrelid = t.tgrelid AND a.attnum = listed.number;
	IF read_columns IS NULL THEN
		RAISE EXCEPTION 'the trigger that lists the columns of % is gone', TG_RELID::regclass
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Run "global-logout users unlink", then "users link" again.';
	END IF;
	EXECUTE read_columns INTO before USING old;
	IF TG_OP = 'DELETE' THEN
		PERFORM global_logout.remove_user(before[1], 'database', session_user::text);
		RETURN NULL;
	END IF;
	EXECUTE read_columns INTO after USING new;
	IF after[1] IS DISTINCT FROM before[1] THEN
		-- As refuse_renaming() has it for the mirror.
		IF EXISTS (SELECT FROM global_logout.user_lock l WHERE l.user_id = before[1] AND coalesce(l.until > clock_timestamp(), true))
			OR EXISTS (SELECT FROM global_logout.staff s WHERE s.user_id = before[1]) THEN
			RAISE EXCEPTION 'this user has a lock or a role, which is kept by id: the id stays'
				USING ERRCODE = 'restrict_violation', HINT = 'Lift the lock or take the role away first, with global-logout.';
		END IF;
		PERFORM global_logout.remove_user(before[1], 'database', session_user::text);
		RETURN NULL;
	END IF;
	UPDATE global_logout."user" u SET
		email = CASE WHEN 'email' = ANY (TG_ARGV) THEN after[array_position(TG_ARGV, 'email') + 1] ELSE u.email END,
		name = CASE WHEN 'name' = ANY (TG_ARGV) THEN after[array_position(TG_ARGV, 'name') + 1] ELSE u.name END
		WHERE u.id = after[1];
	RETURN NULL;
END $$;
