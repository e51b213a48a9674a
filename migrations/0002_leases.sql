-- What instances that answer checks from memory (CHECK_MODE=leased) need: who they are, and what they must forget.
-- A revocation is found by the transaction that made it (xid), because no clock and no sequence orders commits.

CREATE TABLE "instance" (
	"id" uuid PRIMARY KEY NOT NULL,
	"beat" bigint DEFAULT 0 NOT NULL,
	"applied" "pg_snapshot"
) WITH (fillfactor = 50);
--> statement-breakpoint
CREATE TABLE "session_change" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "session_change_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"session_token" text NOT NULL,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "operation" ADD COLUMN "waited_ms" integer;--> statement-breakpoint
CREATE INDEX "session_change_xid_idx" ON "session_change" USING btree ("xid");--> statement-breakpoint
CREATE INDEX "revoked_session_xid_idx" ON "revoked_session" USING btree ("xid");
--> statement-breakpoint

-- As before, and new: a living session whose answer changed without ending it leaves a row in session_change.
CREATE OR REPLACE FUNCTION record_ending_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
	IF NOT FOUND THEN
		INSERT INTO session_change (session_token) VALUES (old."sessionToken");
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
DROP TRIGGER session_ended_by_update ON session;
--> statement-breakpoint
CREATE TRIGGER session_ended_by_update AFTER UPDATE ON session FOR EACH ROW
	WHEN (new.expires < old.expires OR new."createdAt" < old."createdAt" OR new."lastSeenAt" < old."lastSeenAt"
		OR new."sessionToken" <> old."sessionToken" OR new."userId" <> old."userId" OR new.id <> old.id)
	EXECUTE FUNCTION record_ending_update();
