-- For security staff: who they are, what they plan and do, and a record of it that shows when it was tampered with.

CREATE TABLE "audit_head" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"seq" bigint DEFAULT 0 NOT NULL,
	"hash" "bytea" NOT NULL,
	"sealed" "pg_snapshot" NOT NULL,
	CONSTRAINT "audit_head_singleton" CHECK ("audit_head"."singleton")
);
--> statement-breakpoint
CREATE TABLE "audit_link" (
	"seq" bigint PRIMARY KEY NOT NULL,
	"operation_id" uuid NOT NULL,
	"digest" "bytea" NOT NULL,
	"hash" "bytea" NOT NULL,
	"sealed_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "audit_link_operation_id_unique" UNIQUE("operation_id")
);
--> statement-breakpoint
CREATE TABLE "incident" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"state" text DEFAULT 'planned' NOT NULL,
	"reason" text NOT NULL,
	"selection" jsonb NOT NULL,
	"user_ids" text[],
	"actor_kind" text NOT NULL,
	"actor_id" text,
	"planned_at" timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"planned_sessions" integer NOT NULL,
	"planned_users" integer NOT NULL,
	"staff_sessions" integer NOT NULL,
	"sample" jsonb NOT NULL,
	"operation_id" uuid,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	"ended" integer DEFAULT 0 NOT NULL,
	"outcome" jsonb
);
--> statement-breakpoint
CREATE TABLE "incident_planned" (
	"incident_id" uuid NOT NULL,
	"part" integer NOT NULL,
	"session_ids" uuid[] NOT NULL,
	CONSTRAINT "incident_planned_incident_id_part_pk" PRIMARY KEY("incident_id","part")
);
--> statement-breakpoint
CREATE TABLE "replay" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "replay_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"session_id" uuid NOT NULL,
	"user_id" text NOT NULL,
	"count" integer DEFAULT 1 NOT NULL,
	"at" timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
	"ip_address" "inet",
	"user_agent" text,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "staff" (
	"user_id" text PRIMARY KEY NOT NULL,
	"role" text NOT NULL,
	"granted_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "operation" ADD COLUMN "selection" jsonb;--> statement-breakpoint
ALTER TABLE "operation" ADD COLUMN "result" jsonb;--> statement-breakpoint
ALTER TABLE "operation" ADD COLUMN "xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL;--> statement-breakpoint
ALTER TABLE "staff" ADD CONSTRAINT "staff_user_id_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."user"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "incident_planned_at_idx" ON "incident" USING btree ("planned_at");--> statement-breakpoint
CREATE INDEX "replay_user_id_at_idx" ON "replay" USING btree ("user_id","at");--> statement-breakpoint
CREATE INDEX "replay_at_idx" ON "replay" USING btree ("at");--> statement-breakpoint
CREATE INDEX "replay_xid_idx" ON "replay" USING btree ("xid");--> statement-breakpoint
CREATE INDEX "operation_at_id_idx" ON "operation" USING btree ("at","id");--> statement-breakpoint
CREATE INDEX "operation_actor_id_at_idx" ON "operation" USING btree ("actor_id","at");--> statement-breakpoint
CREATE INDEX "operation_kind_at_idx" ON "operation" USING btree ("kind","at");--> statement-breakpoint
CREATE INDEX "operation_xid_idx" ON "operation" USING btree ("xid");--> statement-breakpoint
CREATE INDEX "revoked_session_user_id_revoked_at_idx" ON "revoked_session" USING btree ("user_id","revoked_at");--> statement-breakpoint
CREATE INDEX "revoked_session_around_idx" ON "revoked_session" USING btree ("revoked_at","xid","user_id") WHERE "revoked_session"."operation_id" is null;--> statement-breakpoint
-- What one operation ended is read in pages, of a million rows if need be.
DROP INDEX "revoked_session_operation_id_idx";--> statement-breakpoint
CREATE INDEX "revoked_session_operation_id_id_idx" ON "revoked_session" USING btree ("operation_id","id");--> statement-breakpoint
-- The feed reads in pages, in this order.
DROP INDEX "revoked_session_xid_idx";--> statement-breakpoint
CREATE INDEX "revoked_session_xid_id_idx" ON "revoked_session" USING btree ("xid","id");--> statement-breakpoint
CREATE INDEX "user_id_prefix_idx" ON "user" USING btree (lower("id") text_pattern_ops);--> statement-breakpoint
CREATE INDEX "user_email_prefix_idx" ON "user" USING btree (lower("email") text_pattern_ops);--> statement-breakpoint
CREATE INDEX "user_name_prefix_idx" ON "user" USING btree (lower("name") text_pattern_ops);
--> statement-breakpoint
INSERT INTO audit_head (hash, sealed) VALUES (sha256('global-logout audit'), '1:1:');
--> statement-breakpoint

-- What a link of the chain says of its operation. waited_ms is left out: it is known only after the commit.
CREATE FUNCTION operation_digest(o operation) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE SET search_path = public, pg_temp AS $$
	SELECT sha256(convert_to(jsonb_build_array(o.id, o.kind, o.scope, o.actor_kind, o.actor_id, o.actor_session_id, o.user_id,
		o.reason, o.ip_address, o.user_agent, o.request_id, extract(epoch FROM o.at), o.revoked_count, o.selection, o.result)::text, 'UTF8'))
$$;
--> statement-breakpoint

-- Adds a link for each operation that has none. Not in the transaction of the operation: links follow one another, and
-- logouts must not. What is new is found as everywhere, by the snapshot of whoever sealed last; it is read before the
-- rows, so that a row may be looked at twice, but none is missed. With nothing new it writes nothing. New operations are
-- few and at the end of an index, but a planner that has not heard of them yet would rather read whole tables.
CREATE FUNCTION seal_operations(most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
	SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
	head audit_head;
	seen pg_snapshot;
	o operation;
	link bytea;
	added integer := 0;
	more boolean := false;
BEGIN
	SELECT * INTO head FROM audit_head;
	IF NOT EXISTS (SELECT FROM operation
		WHERE xid >= pg_snapshot_xmin(head.sealed) AND NOT pg_visible_in_snapshot(xid, head.sealed)
			AND NOT EXISTS (SELECT FROM audit_link l WHERE l.operation_id = operation.id)) THEN
		RETURN 0;
	END IF;
	SELECT * INTO head FROM audit_head FOR UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	seen := pg_current_snapshot();
	FOR o IN WITH fresh AS MATERIALIZED (
			SELECT id, at FROM operation
			WHERE xid >= pg_snapshot_xmin(head.sealed) AND NOT pg_visible_in_snapshot(xid, head.sealed)
		), next AS MATERIALIZED (
			SELECT id, at FROM fresh WHERE NOT EXISTS (SELECT FROM audit_link l WHERE l.operation_id = fresh.id)
			ORDER BY at, id LIMIT most + 1
		)
		SELECT operation.* FROM next JOIN operation USING (id) ORDER BY next.at, next.id
	LOOP
		IF added = most THEN
			more := true;
			EXIT;
		END IF;
		link := operation_digest(o);
		head.seq := head.seq + 1;
		head.hash := sha256(head.hash || link);
		INSERT INTO audit_link (seq, operation_id, digest, hash) VALUES (head.seq, o.id, link, head.hash);
		added := added + 1;
	END LOOP;
	UPDATE audit_head SET seq = head.seq, hash = head.hash, sealed = CASE WHEN more THEN sealed ELSE seen END;
	RETURN added;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION seal_operations(integer) FROM PUBLIC;
--> statement-breakpoint

-- A login whose snapshot is older than the lock (REPEATABLE READ, SERIALIZABLE) does not see it. What it cannot overlook is
-- a row that changed since: whoever locks writes the row of the user. Held FOR UPDATE before, that counts as a change of its
-- key, and the FOR KEY SHARE of refuse_locked() fails (40001, which such applications repeat); other changes of the row
-- hold up no login.
CREATE FUNCTION announce_lock() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	PERFORM FROM "user" WHERE id = new.user_id FOR UPDATE;
	UPDATE "user" SET id = id WHERE id = new.user_id;
	RETURN new;
END $$;
--> statement-breakpoint
CREATE TRIGGER user_lock_announced BEFORE INSERT OR UPDATE ON user_lock FOR EACH ROW EXECUTE FUNCTION announce_lock();
--> statement-breakpoint

-- Old revocations go, the oldest first, in small steps; the service may not delete them by itself. The horizon rises with
-- them, so that a reader of the feed is told of the gap.
CREATE FUNCTION prune_revocations(retention_seconds bigint, most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	pruned integer;
BEGIN
	IF retention_seconds < 86400 THEN
		RAISE EXCEPTION 'revocations are kept for a day at least';
	END IF;
	WITH oldest AS (
		SELECT id, revoked_at FROM revoked_session ORDER BY id LIMIT most
	), gone AS (
		DELETE FROM revoked_session r USING oldest
		WHERE r.id = oldest.id AND oldest.revoked_at < now() - make_interval(secs => retention_seconds)
			-- All over: a cursor that is taken after a deletion is never too old.
			AND r.xid < pg_snapshot_xmin(pg_current_snapshot())
		RETURNING r.xid
	), horizon AS (
		UPDATE feed_horizon SET xid = greatest(xid, (SELECT max(xid) FROM gone)) WHERE EXISTS (SELECT FROM gone)
	)
	SELECT count(*) INTO pruned FROM gone;
	RETURN pruned;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION prune_revocations(bigint, integer) FROM PUBLIC;
--> statement-breakpoint

-- Three roles: whoever migrates owns everything; global_logout_service runs the service; global_logout_checker only reads
-- what a check needs. Roles belong to the whole server, so another database may have made them already, and whoever
-- migrates may not be allowed to: then grant_global_logout_roles() is to be called once they exist.
CREATE FUNCTION grant_global_logout_roles() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'global_logout_service')
		OR NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'global_logout_checker') THEN
		RETURN false;
	END IF;
	-- SELECT … FOR UPDATE on "user" asks for the right to update some column; this one does the least harm.
	GRANT SELECT, UPDATE (image) ON "user" TO global_logout_service;
	GRANT SELECT, INSERT, UPDATE, DELETE ON session, instance, user_lock TO global_logout_service;
	GRANT SELECT, INSERT, UPDATE ON session_policy, incident TO global_logout_service;
	GRANT SELECT, DELETE ON session_change TO global_logout_service;
	GRANT SELECT, INSERT, UPDATE (last_used_at, revoked_at) ON service_key TO global_logout_service;
	GRANT SELECT, INSERT, DELETE ON incident_planned TO global_logout_service;
	GRANT SELECT, INSERT ON replay TO global_logout_service;
	-- Append-only: what happened can be added to, and is neither changed nor removed.
	GRANT SELECT, INSERT, UPDATE (waited_ms) ON operation TO global_logout_service;
	GRANT SELECT ON revoked_session, audit_link, audit_head, feed_horizon, staff TO global_logout_service;
	GRANT EXECUTE ON FUNCTION seal_operations(integer), prune_revocations(bigint, integer) TO global_logout_service;
	GRANT USAGE ON SCHEMA drizzle TO global_logout_service;
	GRANT SELECT ON drizzle.__global_logout_migrations TO global_logout_service;
	GRANT SELECT ("sessionToken", "userId", expires, id, "createdAt", "lastSeenAt") ON session TO global_logout_checker;
	GRANT SELECT ON session_policy TO global_logout_checker;
	RETURN true;
END $$;
--> statement-breakpoint
DO $$
DECLARE
	wanted text;
BEGIN
	FOREACH wanted IN ARRAY ARRAY['global_logout_service', 'global_logout_checker'] LOOP
		BEGIN
			EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
		EXCEPTION
			WHEN duplicate_object OR unique_violation THEN NULL;
			WHEN insufficient_privilege THEN RAISE NOTICE 'role % has to be made by somebody who may', wanted;
		END;
	END LOOP;
	PERFORM grant_global_logout_roles();
END $$;
