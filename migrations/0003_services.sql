-- For services: their keys, how far back the feed of revocations reaches, and users who may not sign in.

CREATE TABLE "feed_horizon" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"xid" "xid8" NOT NULL,
	CONSTRAINT "feed_horizon_singleton" CHECK ("feed_horizon"."singleton")
);
--> statement-breakpoint
CREATE TABLE "service_key" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"name" text NOT NULL,
	"key_hash" text NOT NULL,
	"scopes" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone,
	"last_used_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "service_key_key_hash_unique" UNIQUE("key_hash")
);
--> statement-breakpoint
CREATE TABLE "user_lock" (
	"user_id" text PRIMARY KEY NOT NULL,
	"until" timestamp with time zone,
	"reason" text NOT NULL,
	"locked_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "user_lock" ADD CONSTRAINT "user_lock_user_id_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."user"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
INSERT INTO feed_horizon (xid) VALUES ('0');
--> statement-breakpoint

-- A lock binds whoever writes to "session". The row of the user is locked first, in a statement of its own: a login
-- that met a lock in the making waits for it (who locks takes FOR UPDATE), and the next statement sees it.
CREATE FUNCTION refuse_locked() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	locked user_lock;
BEGIN
	PERFORM FROM "user" WHERE id = new."userId" FOR KEY SHARE;
	SELECT * INTO locked FROM user_lock WHERE user_id = new."userId" AND coalesce(until > clock_timestamp(), true);
	IF FOUND THEN
		RAISE EXCEPTION 'sign-in of this user is locked %', coalesce('until ' || locked.until, 'until somebody lifts the lock')
			USING ERRCODE = 'GL001', HINT = 'global-logout keeps this lock; its staff can lift it.';
	END IF;
	RETURN new;
END $$;
--> statement-breakpoint
CREATE TRIGGER session_of_locked_user BEFORE INSERT OR UPDATE OF "userId" ON session
	FOR EACH ROW EXECUTE FUNCTION refuse_locked();
