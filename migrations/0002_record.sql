-- The rules of the record: operations and their chain of hashes, acts that are recorded by themselves, retention, restored dumps.
--
-- How functions are written, and why, is said in 0001_sessions.sql.

-- Nothing in another schema can take the place of a name in this file.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
--> statement-breakpoint

-- The record. An operation is stamped by the database, sealed into a chain of hashes, and never changed.

-- Time and transaction come from the database alone: sealing, and readers of the latest operations, would overlook one that is
-- dated back.
CREATE FUNCTION global_logout.stamp_operation() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	new.at := now();
	new.xid := pg_current_xact_id();
	RETURN new;
END $$;
--> statement-breakpoint
CREATE TRIGGER operation_stamped BEFORE INSERT ON global_logout.operation FOR EACH ROW EXECUTE FUNCTION global_logout.stamp_operation();
--> statement-breakpoint
-- What a link of the chain says of its operation. waited_ms is left out: it is known only after the commit.
CREATE FUNCTION global_logout.operation_digest(o global_logout.operation) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp AS $$
	SELECT sha256(convert_to(jsonb_build_array(o.id, o.kind, o.scope, o.actor_kind, o.actor_id, o.actor_session_id, o.user_id,
		o.reason, o.ip_address, o.user_agent, o.request_id, extract(epoch FROM o.at), o.revoked_count, o.selection, o.result)::text, 'UTF8'))
$$;
--> statement-breakpoint
-- Adds a link for each operation that has none. It runs apart from the transaction of the operation: links follow one another,
-- and logouts must not. What is new is found by the snapshot of the last sealing; the new snapshot is taken before the rows are
-- read, so that a row may be read twice and none is missed. With nothing new it writes nothing. New operations are few and at the
-- end of an index, but a planner with old statistics would read whole tables: hence the settings. Before PostgreSQL 18, a plan
-- without an index, of a table of one row too, then seems so dear that it would be compiled (JIT).
CREATE FUNCTION global_logout.seal_operations(most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off
	SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
	head global_logout.audit_head;
	seen pg_snapshot;
	o global_logout.operation;
	link bytea;
	added integer := 0;
	more boolean := false;
BEGIN
	-- With none there would be nothing more to seal, ever.
	IF most < 1 THEN
		RAISE EXCEPTION 'one operation at least is sealed at a time';
	END IF;
	SELECT * INTO head FROM global_logout.audit_head;
	IF NOT EXISTS (SELECT FROM global_logout.operation p
		WHERE p.xid >= pg_snapshot_xmin(head.sealed) AND NOT pg_visible_in_snapshot(p.xid, head.sealed)
			AND NOT EXISTS (SELECT FROM global_logout.audit_link l WHERE l.operation_id = p.id)) THEN
		RETURN 0;
	END IF;
	SELECT * INTO head FROM global_logout.audit_head FOR UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	seen := pg_current_snapshot();
	FOR o IN WITH fresh AS MATERIALIZED (
			SELECT id, at FROM global_logout.operation
			WHERE xid >= pg_snapshot_xmin(head.sealed) AND NOT pg_visible_in_snapshot(xid, head.sealed)
		), next AS MATERIALIZED (
			SELECT id, at FROM fresh WHERE NOT EXISTS (SELECT FROM global_logout.audit_link l WHERE l.operation_id = fresh.id)
			ORDER BY at, id LIMIT most + 1
		)
		SELECT p.* FROM next JOIN global_logout.operation p USING (id) ORDER BY next.at, next.id
	LOOP
		IF added = most THEN
			more := true;
			EXIT;
		END IF;
		link := global_logout.operation_digest(o);
		head.seq := head.seq + 1;
		head.hash := sha256(head.hash || link);
		INSERT INTO global_logout.audit_link (seq, operation_id, digest, hash) VALUES (head.seq, o.id, link, head.hash);
		added := added + 1;
	END LOOP;
	UPDATE global_logout.audit_head SET seq = head.seq, hash = head.hash, sealed = CASE WHEN more THEN sealed ELSE seen END;
	RETURN added;
END $$;
--> statement-breakpoint
-- An incident that is done is not changed.
CREATE FUNCTION global_logout.refuse_changed_outcome() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'incident % is done, and stays as it is', old.id;
END $$;
--> statement-breakpoint
CREATE TRIGGER incident_stays_done BEFORE UPDATE ON global_logout.incident FOR EACH ROW WHEN (old.state = 'done')
	EXECUTE FUNCTION global_logout.refuse_changed_outcome();
--> statement-breakpoint
-- A service key that is revoked is not changed, but for its last use.
CREATE FUNCTION global_logout.refuse_revived_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'service key % is revoked, and stays as it is', old.id;
END $$;
--> statement-breakpoint
CREATE TRIGGER service_key_stays_revoked BEFORE UPDATE ON global_logout.service_key FOR EACH ROW
	WHEN (old.revoked_at IS NOT NULL AND (new.id IS DISTINCT FROM old.id OR new.name IS DISTINCT FROM old.name
		OR new.key_hash IS DISTINCT FROM old.key_hash OR new.scopes IS DISTINCT FROM old.scopes
		OR new.created_at IS DISTINCT FROM old.created_at OR new.expires_at IS DISTINCT FROM old.expires_at
		OR new.revoked_at IS DISTINCT FROM old.revoked_at))
	EXECUTE FUNCTION global_logout.refuse_revived_key();
--> statement-breakpoint

-- Acts. A change of a key, a lock, a role or the lifetimes writes an operation in its own transaction, also when made by SQL.

-- Records what its transaction has not recorded itself, in the name of the login. The triggers below are deferred: they run at
-- the commit.
CREATE FUNCTION global_logout.record_operation(kind text, user_id text, reason text, result jsonb) RETURNS void LANGUAGE sql
	SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO global_logout.operation (id, kind, actor_kind, actor_id, user_id, reason, ip_address, revoked_count, result)
	VALUES (gen_random_uuid(), kind, 'database', session_user, user_id, reason, inet_client_addr(), 0, result)
$$;
--> statement-breakpoint
-- As JavaScript writes it, or "forever".
CREATE FUNCTION global_logout.until_text(until timestamptz) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(to_char(until AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'forever')
$$;
--> statement-breakpoint
-- What the operation says of a key.
CREATE FUNCTION global_logout.key_facts(key global_logout.service_key) RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('keyId', key.id, 'name', key.name, 'scopes', key.scopes,
		'expiresAt', to_char(key.expires_at AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
$$;
--> statement-breakpoint
CREATE FUNCTION global_logout.record_key_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	key global_logout.service_key;
	change text := 'key.change';
BEGIN
	IF TG_RELID <> 'global_logout.service_key'::regclass::oid THEN
		RAISE EXCEPTION 'record_key_change() is for global_logout.service_key alone';
	END IF;
	IF TG_OP = 'DELETE' THEN
		key := old;
		change := 'key.revoke';
		-- A key that was revoked or expired gave no access.
		IF key.revoked_at IS NOT NULL OR key.expires_at <= clock_timestamp() THEN
			RETURN NULL;
		END IF;
	ELSE
		key := new;
		IF TG_OP = 'INSERT' THEN
			change := 'key.create';
		ELSIF old.revoked_at IS NULL AND new.revoked_at IS NOT NULL THEN
			change := 'key.revoke';
		ELSIF (new.id, new.name, new.key_hash, new.scopes, new.created_at, new.expires_at)
			IS NOT DISTINCT FROM (old.id, old.name, old.key_hash, old.scopes, old.created_at, old.expires_at) THEN
			RETURN NULL;
		END IF;
	END IF;
	IF NOT EXISTS (SELECT FROM global_logout.operation o WHERE o.xid = pg_current_xact_id() AND o.kind = change
		AND o.result ->> 'keyId' = key.id::text AND o.result -> 'scopes' = to_jsonb(key.scopes)) THEN
		PERFORM global_logout.record_operation(change, NULL, NULL, global_logout.key_facts(key)
			|| CASE WHEN change = 'key.change' THEN jsonb_build_object('before', global_logout.key_facts(old)) ELSE '{}' END);
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER service_key_recorded
	AFTER INSERT OR DELETE OR UPDATE OF id, name, key_hash, scopes, created_at, expires_at, revoked_at ON global_logout.service_key
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION global_logout.record_key_change();
--> statement-breakpoint
CREATE FUNCTION global_logout.record_lock_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	held boolean;
	holds boolean;
	stays boolean;
BEGIN
	IF TG_RELID <> 'global_logout.user_lock'::regclass::oid THEN
		RAISE EXCEPTION 'record_lock_change() is for global_logout.user_lock alone';
	END IF;
	held := TG_OP <> 'INSERT' AND coalesce(old.until > clock_timestamp(), true);
	holds := TG_OP <> 'DELETE' AND coalesce(new.until > clock_timestamp(), true);
	stays := TG_OP = 'UPDATE' AND new.user_id = old.user_id;
	IF held AND NOT (stays AND holds) AND NOT EXISTS (SELECT FROM global_logout.operation o
		WHERE o.xid = pg_current_xact_id() AND o.kind = 'user.unlock' AND o.user_id = old.user_id) THEN
		PERFORM global_logout.record_operation('user.unlock', old.user_id, NULL, jsonb_build_object('lockedUntil', global_logout.until_text(old.until)));
	END IF;
	IF holds AND NOT (stays AND held AND new.until IS NOT DISTINCT FROM old.until) AND NOT EXISTS (SELECT FROM global_logout.operation o
		WHERE o.xid = pg_current_xact_id() AND o.kind IN ('user.lock', 'user.revoke') AND o.user_id = new.user_id
			AND o.result ->> 'lockedUntil' = global_logout.until_text(new.until)) THEN
		PERFORM global_logout.record_operation('user.lock', new.user_id, new.reason, jsonb_build_object('lockedUntil', global_logout.until_text(new.until))
			|| CASE WHEN stays AND held THEN jsonb_build_object('before', global_logout.until_text(old.until)) ELSE '{}' END);
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER user_lock_recorded AFTER INSERT OR UPDATE OR DELETE ON global_logout.user_lock
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION global_logout.record_lock_change();
--> statement-breakpoint
CREATE FUNCTION global_logout.record_role_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	change record;
BEGIN
	IF TG_RELID <> 'global_logout.staff'::regclass::oid THEN
		RAISE EXCEPTION 'record_role_change() is for global_logout.staff alone';
	END IF;
	FOR change IN
		SELECT user_id, max(role) FILTER (WHERE NOT is_new) AS before, max(role) FILTER (WHERE is_new) AS role
		FROM (VALUES (old.user_id, old.role, false), (new.user_id, new.role, true)) AS rows (user_id, role, is_new)
		WHERE user_id IS NOT NULL GROUP BY user_id
	LOOP
		IF change.role IS DISTINCT FROM change.before AND NOT EXISTS (SELECT FROM global_logout.operation o
			WHERE o.xid = pg_current_xact_id() AND o.kind = 'user.role' AND o.user_id = change.user_id
				AND o.result ->> 'role' IS NOT DISTINCT FROM change.role) THEN
			PERFORM global_logout.record_operation('user.role', change.user_id, NULL,
				jsonb_build_object('role', change.role, 'before', change.before));
		END IF;
	END LOOP;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER staff_recorded AFTER INSERT OR UPDATE OR DELETE ON global_logout.staff
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION global_logout.record_role_change();
--> statement-breakpoint
CREATE FUNCTION global_logout.record_policy_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
	lifetimes jsonb;
	before jsonb;
BEGIN
	IF TG_RELID <> 'global_logout.session_policy'::regclass::oid THEN
		RAISE EXCEPTION 'record_policy_change() is for global_logout.session_policy alone';
	END IF;
	-- What ended with an epoch stays over: by no update, and by no row that takes the place of this one.
	IF new.epoch IS DISTINCT FROM old.epoch
		AND (new.epoch < old.epoch OR new.epoch <> (SELECT coalesce(max(i.epoch), 0) FROM global_logout.incident i)) THEN
		RAISE EXCEPTION 'an incident for everyone begins an epoch, and nothing else changes it'
			USING ERRCODE = 'restrict_violation', HINT = 'Run "global-logout incident plan --everyone", then execute the plan.';
	END IF;
	lifetimes := jsonb_build_object('idleTimeoutSeconds', new.idle_timeout_seconds, 'maxAgeSeconds', new.max_age_seconds);
	before := jsonb_build_object('idleTimeoutSeconds', old.idle_timeout_seconds, 'maxAgeSeconds', old.max_age_seconds);
	IF lifetimes <> before AND NOT EXISTS (SELECT FROM global_logout.operation o
		WHERE o.xid = pg_current_xact_id() AND o.kind = 'policy.change' AND o.result @> lifetimes) THEN
		PERFORM global_logout.record_operation('policy.change', NULL, NULL, lifetimes || jsonb_build_object('before', before));
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER session_policy_recorded AFTER INSERT OR UPDATE OR DELETE ON global_logout.session_policy
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION global_logout.record_policy_change();
--> statement-breakpoint
-- TRUNCATE fires no trigger for each row, and none that is deferred.
CREATE FUNCTION global_logout.record_truncation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
BEGIN
	CASE TG_RELID
		WHEN 'global_logout.service_key'::regclass THEN
			PERFORM global_logout.record_operation('key.revoke', NULL, NULL, global_logout.key_facts(k)) FROM global_logout.service_key k
			WHERE k.revoked_at IS NULL AND coalesce(k.expires_at > clock_timestamp(), true);
		WHEN 'global_logout.user_lock'::regclass THEN
			PERFORM global_logout.record_operation('user.unlock', l.user_id, NULL, jsonb_build_object('lockedUntil', global_logout.until_text(l.until)))
			FROM global_logout.user_lock l WHERE coalesce(l.until > clock_timestamp(), true);
		WHEN 'global_logout.staff'::regclass THEN
			PERFORM global_logout.record_operation('user.role', s.user_id, NULL, jsonb_build_object('role', NULL, 'before', s.role))
			FROM global_logout.staff s;
		WHEN 'global_logout.session_policy'::regclass THEN
			PERFORM global_logout.record_operation('policy.change', NULL, NULL, jsonb_build_object('idleTimeoutSeconds', NULL, 'maxAgeSeconds', NULL,
				'before', jsonb_build_object('idleTimeoutSeconds', p.idle_timeout_seconds, 'maxAgeSeconds', p.max_age_seconds)))
			FROM global_logout.session_policy p;
		ELSE
			RAISE EXCEPTION 'record_truncation() is for tables of global-logout alone';
	END CASE;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER service_key_truncated BEFORE TRUNCATE ON global_logout.service_key EXECUTE FUNCTION global_logout.record_truncation();
--> statement-breakpoint
CREATE TRIGGER user_lock_truncated BEFORE TRUNCATE ON global_logout.user_lock EXECUTE FUNCTION global_logout.record_truncation();
--> statement-breakpoint
CREATE TRIGGER staff_truncated BEFORE TRUNCATE ON global_logout.staff EXECUTE FUNCTION global_logout.record_truncation();
--> statement-breakpoint
CREATE TRIGGER session_policy_truncated BEFORE TRUNCATE ON global_logout.session_policy EXECUTE FUNCTION global_logout.record_truncation();
--> statement-breakpoint
-- An incident for everyone begins a new epoch: with its commit, all sessions of the epoch before are over.
CREATE FUNCTION global_logout.begin_epoch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
BEGIN
	IF TG_RELID <> 'global_logout.incident'::regclass::oid THEN
		RAISE EXCEPTION 'begin_epoch() is for global_logout.incident alone';
	END IF;
	new.epoch := CASE TG_OP WHEN 'UPDATE' THEN old.epoch END;
	IF new.state = 'running' AND new.selection = '{"everyone": true}' AND (TG_OP = 'INSERT' OR old.state = 'planned') THEN
		UPDATE global_logout.session_policy SET epoch = epoch + 1 RETURNING epoch INTO STRICT new.epoch;
	END IF;
	RETURN new;
END $$;
--> statement-breakpoint
CREATE TRIGGER incident_begins_epoch BEFORE INSERT OR UPDATE OF state, epoch ON global_logout.incident
	FOR EACH ROW EXECUTE FUNCTION global_logout.begin_epoch();
--> statement-breakpoint
-- An incident begins and ends with its operations: else it would end sessions, or stop, in the name of no actor.
CREATE FUNCTION global_logout.require_incident_operation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
BEGIN
	IF TG_RELID <> 'global_logout.incident'::regclass::oid THEN
		RAISE EXCEPTION 'require_incident_operation() is for global_logout.incident alone';
	END IF;
	IF (TG_OP = 'INSERT' AND new.state = 'planned') OR (TG_OP = 'UPDATE'
		AND (new.state, new.operation_id, new.started_at) IS NOT DISTINCT FROM (old.state, old.operation_id, old.started_at)) THEN
		RETURN NULL;
	END IF;
	PERFORM FROM global_logout.operation o WHERE o.xid = pg_current_xact_id() AND o.result ->> 'planId' = new.id::text
		AND CASE new.state WHEN 'running' THEN o.kind = 'incident.execute' AND o.id = new.operation_id
			ELSE o.kind = 'incident.finish' AND o.result ->> 'operationId' = new.operation_id::text END;
	IF FOUND THEN
		RETURN NULL;
	END IF;
	RAISE EXCEPTION 'incident % is executed and finished by operations of the same transaction', new.id
		USING ERRCODE = 'restrict_violation';
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER incident_recorded AFTER INSERT OR UPDATE OF state, operation_id, started_at ON global_logout.incident
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION global_logout.require_incident_operation();
--> statement-breakpoint

-- Retention. What the feed has told long ago is deleted, the oldest first.

-- The service may not delete revocations and replays in another way. The horizon rises with each deletion, so that a reader of the
-- feed learns of the gap. A step takes the oldest by index and deletes them where they lie. A join, or another condition on
-- the deletion, would be planned by statistics of another day, and could compare each revocation with each row of the step.
CREATE FUNCTION global_logout.prune_feed(retention_seconds bigint, most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off SET enable_seqscan = off SET jit = off AS $$
DECLARE
	before CONSTANT timestamptz := now() - make_interval(secs => retention_seconds::double precision);
	-- All transactions below are over: a cursor taken after a deletion is never too old.
	over CONSTANT xid8 := pg_snapshot_xmin(pg_current_snapshot());
	pruned integer;
BEGIN
	IF retention_seconds < 86400 THEN
		RAISE EXCEPTION 'revocations and replays are kept for a day at least';
	END IF;
	-- Transactions follow time, but for those that settle_restored() has dated back, which have an order of their own.
	WITH revocations AS (
		DELETE FROM global_logout.revoked_session WHERE ctid = ANY (ARRAY(SELECT ctid FROM (
			(SELECT ctid, xid, revoked_at FROM global_logout.revoked_session WHERE xid > '3' ORDER BY xid, id LIMIT most)
			UNION ALL (SELECT ctid, xid, revoked_at FROM global_logout.revoked_session WHERE xid = '3' ORDER BY xid, id LIMIT most)
		) oldest WHERE revoked_at < before AND xid < over)) RETURNING xid
	), replays AS (
		DELETE FROM global_logout.replay WHERE ctid = ANY (ARRAY(SELECT ctid FROM (
			SELECT ctid, xid, at FROM global_logout.replay ORDER BY id LIMIT most
		) oldest WHERE at < before AND xid < over)) RETURNING xid
	), gone AS (
		SELECT xid FROM revocations UNION ALL SELECT xid FROM replays
	), horizon AS (
		UPDATE global_logout.feed_horizon SET xid = greatest(xid, (SELECT max(xid) FROM gone)) WHERE EXISTS (SELECT FROM gone)
	)
	SELECT count(*) INTO pruned FROM gone;
	-- No event of the feed, and so not counted.
	DELETE FROM global_logout.taken_over WHERE ctid = ANY (ARRAY(SELECT ctid FROM (
		SELECT ctid, at FROM global_logout.taken_over ORDER BY at LIMIT most
	) oldest WHERE at < before));
	RETURN pruned;
END $$;
--> statement-breakpoint

-- Restoring. A dump that is restored into another server names transactions which that server has not had.

-- Whether the tables name such transactions. Not to be asked by a transaction that has written: its own id may lie ahead of what it
-- sees, too.
CREATE FUNCTION global_logout.restored_elsewhere() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
	SELECT greatest(
		(SELECT max(xid) FROM global_logout.operation), (SELECT max(xid) FROM global_logout.revoked_session), (SELECT max(xid) FROM global_logout.replay),
		(SELECT max(xid) FROM global_logout.session_change), (SELECT xid FROM global_logout.feed_horizon)) >= pg_snapshot_xmax(pg_current_snapshot())
		OR (SELECT pg_snapshot_xmax(sealed) FROM global_logout.audit_head) > pg_snapshot_xmax(pg_current_snapshot())
$$;
--> statement-breakpoint
-- Makes transactions that lie ahead into ones that were over before everything; sealing then reads all operations once. A visible
-- row is of a transaction below xmax, or was restored: so no lock is needed, and rows of transactions under way are not touched.
-- It comes before any other write of its transaction, whose own rows would be dated back.
CREATE FUNCTION global_logout.settle_restored() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
BEGIN
	IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
		RAISE EXCEPTION 'settle_restored() has to come before anything else is written in its transaction'
			USING ERRCODE = 'active_sql_transaction';
	END IF;
	IF NOT global_logout.restored_elsewhere() THEN
		RETURN false;
	END IF;
	UPDATE global_logout.audit_head SET sealed = '1:1:';
	UPDATE global_logout.feed_horizon SET xid = '0' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	UPDATE global_logout.operation SET xid = '3' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	UPDATE global_logout.revoked_session SET xid = '3' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	UPDATE global_logout.replay SET xid = '3' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	DELETE FROM global_logout.session_change WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
	DELETE FROM global_logout.instance WHERE pg_snapshot_xmax(applied) > pg_snapshot_xmax(pg_current_snapshot());
	RETURN true;
END $$;
