-- Personal data: the record forgets a person, and old addresses, without breaking its chain. Also who has looked at a reused token.
--
-- What says who, why and from where is in the chain as salted hashes. To erase a field, its salt is deleted with it: the hash stays, so
-- that every head from before still verifies, and no guess can be compared with it any more. What was sealed before this migration
-- keeps its links, and verifies as before; their digests have no salt. An erasure of such an entry keeps the digest.

-- Nothing in another schema can take the place of a name in this file.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
--> statement-breakpoint

-- Columns without a default: PostgreSQL rewrites and reads no row.

ALTER TABLE "global_logout"."audit_link" ADD COLUMN "subject_salt" uuid, ADD COLUMN "selection_salt" uuid, ADD COLUMN "actor_salt" uuid,
	ADD COLUMN "origin_salt" uuid, ADD COLUMN "subject_hash" "bytea", ADD COLUMN "selection_hash" "bytea", ADD COLUMN "actor_hash" "bytea",
	ADD COLUMN "origin_hash" "bytea";
--> statement-breakpoint
ALTER TABLE "global_logout"."operation" ADD COLUMN "erased_by" uuid;
--> statement-breakpoint
CREATE INDEX "operation_erased_by_idx" ON "global_logout"."operation" USING btree ("erased_by") WHERE "operation"."erased_by" is not null;
--> statement-breakpoint
-- What an incident keeps of persons besides ids: the email addresses that it selects by, and where its sessions came from.
ALTER TABLE "global_logout"."incident" ADD COLUMN "emails" text[], ADD COLUMN "breakdown" jsonb;
--> statement-breakpoint
-- The operation in which staff said that they have seen it.
ALTER TABLE "global_logout"."replay" ADD COLUMN "acknowledged_by" uuid;
--> statement-breakpoint
-- Who was erased, as a hash of the id: a session from before, which an application may still hold, is not taken over. Kept as long as
-- revocations.
CREATE TABLE "global_logout"."erased_user" (
	"id_hash" "bytea" PRIMARY KEY NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
-- Up to when addresses are deleted.
INSERT INTO "global_logout"."job" ("name", "done_until") SELECT 'addresses', least(now(), (SELECT min(at) FROM global_logout.operation),
	(SELECT min(revoked_at) FROM global_logout.revoked_session), (SELECT min(at) FROM global_logout.replay));
--> statement-breakpoint

-- The chain. A link has a digest of what is kept for good and of four parts: whom it is about and why, the selection of an incident, who
-- did it, and from where.

-- The four parts as hexadecimal hashes: of the fields with their salt, or what was kept when both were erased. An incident alone has a
-- selection. A field that has a value and no salt makes the digest wrong. PostgreSQL inlines it.
CREATE FUNCTION global_logout.operation_parts(o global_logout.operation, l global_logout.audit_link) RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
RETURN ARRAY[
	CASE WHEN l.subject_salt IS NOT NULL
			THEN pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.jsonb_build_array(l.subject_salt, o.user_id, o.reason)::text, 'UTF8')), 'hex')
		WHEN pg_catalog.num_nonnulls(o.user_id, o.reason) = 0 THEN pg_catalog.encode(l.subject_hash, 'hex') ELSE '' END,
	CASE WHEN l.selection_salt IS NOT NULL
			THEN pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.jsonb_build_array(l.selection_salt, o.selection)::text, 'UTF8')), 'hex')
		WHEN o.selection IS NULL THEN pg_catalog.encode(l.selection_hash, 'hex') ELSE '' END,
	CASE WHEN l.actor_salt IS NOT NULL
			THEN pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.jsonb_build_array(l.actor_salt, o.actor_id, o.actor_session_id)::text, 'UTF8')), 'hex')
		WHEN pg_catalog.num_nonnulls(o.actor_id, o.actor_session_id) = 0 THEN pg_catalog.encode(l.actor_hash, 'hex') ELSE '' END,
	CASE WHEN l.origin_salt IS NOT NULL
			THEN pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.jsonb_build_array(l.origin_salt, o.ip_address, o.user_agent, o.request_id)::text, 'UTF8')), 'hex')
		WHEN pg_catalog.num_nonnulls(o.ip_address, o.user_agent, o.request_id) = 0 THEN pg_catalog.encode(l.origin_hash, 'hex') ELSE '' END
];
--> statement-breakpoint
-- What a link says of its operation. Links from before this migration have neither salt nor hash: they have the digest without salts, and
-- once erased their own, for which the erasure vouches (erasure_digest()). PostgreSQL inlines it, too.
CREATE FUNCTION global_logout.operation_digest(o global_logout.operation, l global_logout.audit_link) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
	WHEN pg_catalog.num_nulls(l.origin_salt, l.origin_hash) < 2
		THEN pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.jsonb_build_array(o.id, o.kind, o.scope, o.actor_kind, extract(epoch FROM o.at),
			o.revoked_count, o.result, global_logout.operation_parts(o, l))::text, 'UTF8'))
	WHEN o.erased_by IS NULL THEN global_logout.operation_digest(o)
	ELSE l.digest
END;
--> statement-breakpoint
-- What an erasure has erased: its operation states it, and is itself in the chain. So an entry that was emptied without one is found.
CREATE FUNCTION global_logout.erasure_digest(erasure uuid) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT encode(sha256(convert_to(string_agg(jsonb_build_array(l.seq, l.subject_salt IS NULL, l.selection_salt IS NULL, l.actor_salt IS NULL,
		CASE WHEN num_nulls(l.origin_salt, l.origin_hash) = 2 THEN encode(global_logout.operation_digest(o), 'hex') END)::text, ',' ORDER BY l.seq), 'UTF8')), 'hex')
	FROM global_logout.operation o JOIN global_logout.audit_link l ON l.operation_id = o.id WHERE o.erased_by = erasure
$$;
--> statement-breakpoint
-- As before, with salts of 122 random bits. The digests are made in one query: a call for each row would cost a third more.
CREATE OR REPLACE FUNCTION global_logout.seal_operations(most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off
	SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
	head global_logout.audit_head;
	seen pg_snapshot;
	link record;
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
	FOR link IN WITH fresh AS MATERIALIZED (
			SELECT id, at FROM global_logout.operation
			WHERE xid >= pg_snapshot_xmin(head.sealed) AND NOT pg_visible_in_snapshot(xid, head.sealed)
		), next AS MATERIALIZED (
			SELECT id, at FROM fresh WHERE NOT EXISTS (SELECT FROM global_logout.audit_link l WHERE l.operation_id = fresh.id)
			ORDER BY at, id LIMIT most + 1
		), salted AS MATERIALIZED (
			SELECT next.at, p AS o, ROW(NULL, next.id, NULL, NULL, NULL, gen_random_uuid(),
				CASE WHEN p.selection IS NOT NULL THEN gen_random_uuid() END, gen_random_uuid(), gen_random_uuid(),
				NULL, NULL, NULL, NULL)::global_logout.audit_link AS l
			FROM next JOIN global_logout.operation p USING (id)
		)
		SELECT (l).operation_id, global_logout.operation_digest(o, l) AS digest,
			(l).subject_salt, (l).selection_salt, (l).actor_salt, (l).origin_salt
		FROM salted ORDER BY at, (l).operation_id
	LOOP
		IF added = most THEN
			more := true;
			EXIT;
		END IF;
		head.seq := head.seq + 1;
		head.hash := sha256(head.hash || link.digest);
		INSERT INTO global_logout.audit_link (seq, operation_id, digest, hash, subject_salt, selection_salt, actor_salt, origin_salt)
			VALUES (head.seq, link.operation_id, link.digest, head.hash, link.subject_salt, link.selection_salt, link.actor_salt, link.origin_salt);
		added := added + 1;
	END LOOP;
	UPDATE global_logout.audit_head SET seq = head.seq, hash = head.hash, sealed = CASE WHEN more THEN sealed ELSE seen END;
	RETURN added;
END $$;
--> statement-breakpoint

-- Erasure.

CREATE FUNCTION global_logout.erased_id_hash(user_id text) RETURNS bytea LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT sha256(convert_to('global-logout erased ' || user_id, 'UTF8'))
$$;
--> statement-breakpoint
-- Whether the selection of an incident names this user, by id or by email.
CREATE FUNCTION global_logout.names_user(selection jsonb, user_id text, email text) RETURNS boolean LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(selection -> 'userIds' ? user_id, false)
		OR EXISTS (SELECT FROM jsonb_path_query(selection, '$.emails[*]') named WHERE lower(named #>> '{}') = lower(email))
$$;
--> statement-breakpoint
-- The selection without this user. Its lists stay, if empty: a selection without them would match more sessions.
CREATE FUNCTION global_logout.without_user(selection jsonb, user_id text, email text) RETURNS jsonb LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN global_logout.names_user(selection, user_id, email) THEN (
		SELECT jsonb_object_agg(part.key, CASE WHEN part.key IN ('userIds', 'emails') THEN (
			SELECT coalesce(jsonb_agg(named), '[]') FROM jsonb_array_elements(part.value) named
			WHERE CASE part.key WHEN 'userIds' THEN named #>> '{}' <> user_id ELSE lower(named #>> '{}') IS DISTINCT FROM lower(email) END
		) ELSE part.value END) FROM jsonb_each(selection) part
	) ELSE selection END
$$;
--> statement-breakpoint
-- Whether an incident names this user.
CREATE FUNCTION global_logout.names_user(i global_logout.incident, user_id text, email text) RETURNS boolean LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp AS $$
	SELECT user_id = ANY (i.user_ids) OR global_logout.names_user(i.selection, user_id, email)
		OR i.sample @> jsonb_build_array(jsonb_build_object('userId', user_id))
		OR EXISTS (SELECT FROM unnest(i.emails) named WHERE lower(named) = lower(email))
$$;
--> statement-breakpoint
-- An incident that is done is not changed, but that a person is erased from it.
DROP TRIGGER incident_stays_done ON global_logout.incident;
--> statement-breakpoint
CREATE TRIGGER incident_stays_done BEFORE UPDATE ON global_logout.incident FOR EACH ROW
	WHEN (old.state = 'done' AND pg_catalog.to_jsonb(new) - ARRAY['selection', 'user_ids', 'sample']
		IS DISTINCT FROM pg_catalog.to_jsonb(old) - ARRAY['selection', 'user_ids', 'sample'])
	EXECUTE FUNCTION global_logout.refuse_changed_outcome();
--> statement-breakpoint
-- Erases a user from everything here. "act" is the record of the operation, which does not name the user. Ends the sessions that are
-- left: the caller has ended the others before, so that instances, services and pages were told by the user's id.
--
-- The row of the user is locked, so that sign-ins and logouts of this user wait; then the head of the chain, so that two erasures
-- follow one another. Operations are sealed before they are erased, because only a sealed one has salts. Revocations and replays stay
-- under a pseudonym of the erasure: instances, the feed and the alarm for reused tokens need them. A lock in force stays.
--
-- "outcome" is "done", "staff" for a user with a role, whose acts are what the record is for, "repeated" where all was erased before,
-- or "not_found". "ids" are the sessions that ended here.
CREATE FUNCTION global_logout.erase_user(
	user_id text, act jsonb, OUT xid text, OUT outcome text, OUT operation_id uuid, OUT ids uuid[], OUT erased jsonb
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
#variable_conflict use_variable
DECLARE
	what global_logout.operation := jsonb_populate_record(NULL::global_logout.operation, act);
	is_new boolean;
	email text;
	pseudonym text;
	entries integer;
	revocations integer;
	replays integer;
	incidents integer;
	locks integer;
	keeps_lock boolean;
BEGIN
	PERFORM global_logout.begin_act(user_id, what.reason);
	IF EXISTS (SELECT FROM global_logout.staff s WHERE s.user_id = user_id) THEN
		outcome := 'staff';
		RETURN;
	END IF;
	is_new := global_logout.mirror_user(user_id, '{}');
	SELECT u.email INTO email FROM global_logout."user" u WHERE u.id = user_id FOR UPDATE;
	-- Of an incident that is executed or finished meanwhile, the operation is there before the next statement, or names this user no more.
	PERFORM FROM global_logout.incident i WHERE global_logout.names_user(i, user_id, email) ORDER BY i.id FOR NO KEY UPDATE;
	PERFORM FROM global_logout.audit_head FOR UPDATE;
	WHILE global_logout.seal_operations(10000) = 10000 LOOP
		NULL;
	END LOOP;

	operation_id := gen_random_uuid();
	pseudonym := 'erased:' || operation_id;
	what.id := operation_id;
	what.kind := 'user.erase';
	what.user_id := NULL;
	what.revoked_count := -1;
	INSERT INTO global_logout.operation SELECT what.*;
	PERFORM set_config('global_logout.operation_id', operation_id::text, true);
	DELETE FROM global_logout.session s WHERE s."userId" = user_id;
	PERFORM set_config('global_logout.operation_id', '', true);
	SELECT coalesce(array_agg(r.session_id), '{}') INTO ids FROM global_logout.revoked_session r
		WHERE r.xid = pg_current_xact_id() AND r.operation_id = operation_id;

	WITH named AS (
		SELECT o.id FROM global_logout.operation o WHERE o.user_id = user_id
		UNION SELECT o.id FROM global_logout.operation o WHERE o.actor_id = user_id AND o.actor_kind = 'user'
		UNION SELECT o.id FROM global_logout.operation o WHERE o.kind IN ('incident.plan', 'incident.execute', 'incident.finish')
			AND global_logout.names_user(o.selection, user_id, email)
	), concerned AS MATERIALIZED (
		SELECT o.id, l.seq, global_logout.operation_parts(o, l) AS parts, num_nulls(l.origin_salt, l.origin_hash) < 2 AS is_salted,
			o.user_id IS NOT DISTINCT FROM user_id OR o.actor_kind = 'user' AS is_about,
			-- Also where an application did it for the user: address and program are the user's.
			o.actor_kind = 'user' OR (o.user_id IS NOT DISTINCT FROM user_id AND o.kind IN ('logout', 'session.end', 'session.replace')) AS is_own,
			global_logout.names_user(o.selection, user_id, email) AS is_selected
		FROM named JOIN global_logout.operation o USING (id) JOIN global_logout.audit_link l ON l.operation_id = o.id
	), links AS (
		UPDATE global_logout.audit_link l SET
			subject_hash = CASE WHEN c.is_about THEN decode(c.parts[1], 'hex') ELSE l.subject_hash END,
			subject_salt = CASE WHEN NOT c.is_about THEN l.subject_salt END,
			selection_hash = CASE WHEN c.is_selected THEN decode(c.parts[2], 'hex') ELSE l.selection_hash END,
			selection_salt = CASE WHEN NOT c.is_selected THEN l.selection_salt END,
			actor_hash = CASE WHEN c.is_own THEN decode(c.parts[3], 'hex') ELSE l.actor_hash END,
			actor_salt = CASE WHEN NOT c.is_own THEN l.actor_salt END,
			origin_hash = CASE WHEN c.is_own THEN decode(c.parts[4], 'hex') ELSE l.origin_hash END,
			origin_salt = CASE WHEN NOT c.is_own THEN l.origin_salt END
		FROM concerned c WHERE l.seq = c.seq AND c.is_salted
	), emptied AS (
		UPDATE global_logout.operation o SET erased_by = operation_id,
			user_id = CASE WHEN NOT c.is_about THEN o.user_id END, reason = CASE WHEN NOT c.is_about THEN o.reason END,
			selection = CASE WHEN NOT c.is_selected THEN o.selection END,
			actor_id = CASE WHEN NOT c.is_own THEN o.actor_id END,
			actor_session_id = CASE WHEN NOT c.is_own THEN o.actor_session_id END,
			ip_address = CASE WHEN NOT c.is_own THEN o.ip_address END, user_agent = CASE WHEN NOT c.is_own THEN o.user_agent END,
			request_id = CASE WHEN NOT c.is_own THEN o.request_id END
		FROM concerned c WHERE o.id = c.id RETURNING o.id
	)
	SELECT count(*) INTO entries FROM emptied;

	UPDATE global_logout.revoked_session r SET user_id = pseudonym, of_many = r.operation_id IS NOT NULL, ip_address = NULL, user_agent = NULL,
			device_name = NULL
		WHERE r.user_id = user_id;
	GET DIAGNOSTICS revocations = ROW_COUNT;
	UPDATE global_logout.replay r SET user_id = pseudonym, ip_address = NULL, user_agent = NULL WHERE r.user_id = user_id;
	GET DIAGNOSTICS replays = ROW_COUNT;
	-- A list stays, if empty: without it, more sessions would match. The break-down may show the user's addresses and programs.
	UPDATE global_logout.incident i SET breakdown = NULL, user_ids = array_remove(i.user_ids, user_id),
			emails = CASE WHEN i.emails IS NOT NULL
				THEN ARRAY(SELECT named FROM unnest(i.emails) named WHERE lower(named) IS DISTINCT FROM lower(email)) END,
			selection = global_logout.without_user(i.selection, user_id, email),
			sample = jsonb_path_query_array(i.sample, '$[*] ? (@.userId != $id)', jsonb_build_object('id', user_id))
		WHERE global_logout.names_user(i, user_id, email);
	GET DIAGNOSTICS incidents = ROW_COUNT;
	DELETE FROM global_logout.user_lock l WHERE l.user_id = user_id AND l.until <= clock_timestamp();
	GET DIAGNOSTICS locks = ROW_COUNT;
	UPDATE global_logout.user_lock l SET reason = 'kept when the user was erased' WHERE l.user_id = user_id;
	keeps_lock := FOUND;
	DELETE FROM global_logout."user" u WHERE u.id = user_id;

	IF is_new AND entries + revocations + replays + incidents + locks = 0 THEN
		DELETE FROM global_logout.operation o WHERE o.id = operation_id;
		operation_id := NULL;
		outcome := CASE WHEN EXISTS (SELECT FROM global_logout.erased_user e WHERE e.id_hash = global_logout.erased_id_hash(user_id))
			THEN 'repeated' ELSE 'not_found' END;
		RETURN;
	END IF;
	INSERT INTO global_logout.erased_user (id_hash) VALUES (global_logout.erased_id_hash(user_id))
		ON CONFLICT (id_hash) DO UPDATE SET at = excluded.at;
	erased := jsonb_build_object('entries', entries, 'revocations', revocations, 'replays', replays, 'incidents', incidents, 'lockKept', keeps_lock);
	UPDATE global_logout.operation o SET revoked_count = cardinality(ids),
		result = erased || jsonb_build_object('digest', global_logout.erasure_digest(operation_id)) WHERE o.id = operation_id;
	xid := pg_current_xact_id()::text;
	outcome := 'done';
END $$;
--> statement-breakpoint
-- As before; one who was erased stays unnamed.
CREATE OR REPLACE FUNCTION global_logout.remove_user(
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
	-- One who is erased is not named again.
	IF is_new AND (EXISTS (SELECT FROM global_logout.operation o WHERE o.user_id = user_id AND o.kind = 'user.delete')
		OR EXISTS (SELECT FROM global_logout.erased_user e WHERE e.id_hash = global_logout.erased_id_hash(user_id))) THEN
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

-- Retention.

-- As before, with the hashes of those who were erased.
CREATE OR REPLACE FUNCTION global_logout.prune_feed(retention_seconds bigint, most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
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
	DELETE FROM global_logout.erased_user WHERE at < before;
	RETURN pruned;
END $$;
--> statement-breakpoint
-- Deletes addresses, user agents and request ids that are older than the retention, from operations, revocations and replays, and the
-- sample of sessions of an incident: at most "most" of each table, and returns how many. The limit moves by days, and an operation for each day says so: what lost its address and is
-- younger was emptied by another hand. It goes on where it was (table "job"), hour by hour, so that a step reads an hour at most. What is
-- sealed without a salt keeps its address, because its digest would break.
CREATE FUNCTION global_logout.delete_addresses(retention_seconds bigint, most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET row_security = off SET enable_seqscan = off SET jit = off AS $$
DECLARE
	before CONSTANT timestamptz := date_trunc('day', now() - make_interval(secs => retention_seconds::double precision), 'UTC');
	began timestamptz;
	until timestamptz;
	deleted integer := 0;
	n integer;
BEGIN
	IF retention_seconds < 86400 THEN
		RAISE EXCEPTION 'addresses are kept for a day at least';
	END IF;
	SELECT j.done_until INTO began FROM global_logout.job j WHERE j.name = 'addresses' FOR UPDATE;
	WHILE began < before AND deleted = 0 LOOP
		until := least(began + interval '1 hour', before);
		WITH due AS MATERIALIZED (
			SELECT o.id, l.seq, decode((global_logout.operation_parts(o, l))[4], 'hex') AS origin
			FROM global_logout.operation o JOIN global_logout.audit_link l ON l.operation_id = o.id AND l.origin_salt IS NOT NULL
			WHERE o.at >= began AND o.at < until AND num_nonnulls(o.ip_address, o.user_agent, o.request_id) > 0
			ORDER BY o.at, o.id LIMIT most
		), links AS (
			UPDATE global_logout.audit_link l SET origin_hash = due.origin, origin_salt = NULL FROM due WHERE l.seq = due.seq
		)
		UPDATE global_logout.operation o SET ip_address = NULL, user_agent = NULL, request_id = NULL FROM due WHERE o.id = due.id;
		GET DIAGNOSTICS n = ROW_COUNT;
		IF n > 0 AND NOT EXISTS (SELECT FROM global_logout.operation o
			WHERE o.kind = 'addresses.delete' AND o.at >= before AND (o.result ->> 'before')::timestamptz >= before) THEN
			INSERT INTO global_logout.operation (id, kind, actor_kind, actor_id, revoked_count, result)
				VALUES (gen_random_uuid(), 'addresses.delete', 'system', 'settings', 0, jsonb_build_object('before', global_logout.until_text(before)));
		END IF;
		deleted := n;
		UPDATE global_logout.revoked_session r SET ip_address = NULL, user_agent = NULL WHERE r.ctid = ANY (ARRAY(
			SELECT due.ctid FROM global_logout.revoked_session due WHERE due.revoked_at >= began AND due.revoked_at < until
				AND num_nonnulls(due.ip_address, due.user_agent) > 0 LIMIT most));
		GET DIAGNOSTICS n = ROW_COUNT;
		deleted := deleted + n;
		UPDATE global_logout.replay r SET ip_address = NULL, user_agent = NULL WHERE r.ctid = ANY (ARRAY(
			SELECT due.ctid FROM global_logout.replay due WHERE due.at >= began AND due.at < until
				AND num_nonnulls(due.ip_address, due.user_agent) > 0 LIMIT most));
		GET DIAGNOSTICS n = ROW_COUNT;
		deleted := deleted + n;
		UPDATE global_logout.incident i SET sample = '[]', breakdown = NULL
			WHERE i.planned_at >= began AND i.planned_at < until AND (i.sample <> '[]' OR i.breakdown IS NOT NULL);
		GET DIAGNOSTICS n = ROW_COUNT;
		deleted := deleted + n;
		IF deleted = 0 THEN
			began := until;
		END IF;
	END LOOP;
	UPDATE global_logout.job j SET done_until = began WHERE j.name = 'addresses' AND j.done_until <> began;
	RETURN deleted;
END $$;
--> statement-breakpoint

-- Rights. Of the functions above none is for PUBLIC, nor for the roles in the default privileges of the schema. Who may call them is said in
-- 0007_find.sql.
DO $$
DECLARE
	others text;
BEGIN
	SELECT string_agg(DISTINCT quote_ident(pg_get_userbyid(granted.grantee)), ', ') INTO others
	FROM pg_proc p, aclexplode(p.proacl) granted
	WHERE p.pronamespace = 'global_logout'::regnamespace AND granted.grantee NOT IN (0, p.proowner)
		AND p.proname IN ('operation_parts', 'operation_digest', 'erasure_digest', 'erased_id_hash', 'names_user', 'without_user', 'erase_user', 'delete_addresses');
	EXECUTE 'REVOKE ALL ON FUNCTION global_logout.operation_parts(global_logout.operation, global_logout.audit_link),
		global_logout.operation_digest(global_logout.operation, global_logout.audit_link), global_logout.erasure_digest(uuid),
		global_logout.erased_id_hash(text), global_logout.names_user(jsonb, text, text), global_logout.without_user(jsonb, text, text),
		global_logout.names_user(global_logout.incident, text, text), global_logout.erase_user(text, jsonb),
		global_logout.delete_addresses(bigint, integer)
		FROM ' || concat_ws(', ', 'PUBLIC', others);
	-- The table may have been given away by default privileges, too.
	FOR others IN SELECT CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(granted.grantee)) END
		FROM pg_class c, aclexplode(c.relacl) granted WHERE c.oid = 'global_logout.erased_user'::regclass AND granted.grantee <> c.relowner LOOP
		EXECUTE 'REVOKE ALL ON global_logout.erased_user FROM ' || others;
	END LOOP;
END $$;
