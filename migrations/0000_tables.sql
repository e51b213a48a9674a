-- The tables. An Auth.js application's own four are adopted where they stand; ours are new.
CREATE TABLE IF NOT EXISTS "account" (
	"userId" text NOT NULL,
	"type" text NOT NULL,
	"provider" text NOT NULL,
	"providerAccountId" text NOT NULL,
	"refresh_token" text,
	"access_token" text,
	"expires_at" integer,
	"token_type" text,
	"scope" text,
	"id_token" text,
	"session_state" text,
	CONSTRAINT "account_provider_providerAccountId_pk" PRIMARY KEY("provider","providerAccountId")
);
--> statement-breakpoint
CREATE TABLE "operation" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"scope" text,
	"actor_kind" text NOT NULL,
	"actor_id" text,
	"actor_session_id" uuid,
	"user_id" text,
	"reason" text,
	"ip_address" "inet",
	"user_agent" text,
	"request_id" text,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"revoked_count" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "revoked_session" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "revoked_session_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"session_id" uuid NOT NULL,
	"session_token" text NOT NULL,
	"user_id" text NOT NULL,
	"operation_id" uuid,
	"revoked_at" timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"last_seen_at" timestamp with time zone NOT NULL,
	"ip_address" "inet",
	"user_agent" text
);
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS "session" (
	"sessionToken" text PRIMARY KEY NOT NULL,
	"userId" text NOT NULL,
	"expires" timestamp NOT NULL
);
--> statement-breakpoint
-- No sign-in of the running application may slip in between with a token that nobody hashes.
LOCK TABLE "session" IN ACCESS EXCLUSIVE MODE;
--> statement-breakpoint
-- Hashing cannot be taken back: an application whose columns are not Auth.js's own is left as it was.
DO $$ BEGIN
	IF (SELECT atttypid FROM pg_attribute WHERE attrelid = '"session"'::regclass AND attname = 'expires') <> 'timestamp'::regtype THEN
		RAISE EXCEPTION 'session.expires must be of type "timestamp" and hold UTC, as the Auth.js Drizzle adapter has it'
			USING HINT = 'ALTER TABLE session ALTER COLUMN expires TYPE timestamp USING expires AT TIME ZONE ''utc''';
	END IF;
END $$;
--> statement-breakpoint
-- Room on each page for touches to stay heap-only (HOT) updates.
ALTER TABLE "session" SET (fillfactor = 70);
--> statement-breakpoint
-- Sessions of an application that used the stock adapter until now hold raw tokens: keep them signed in, hashed.
UPDATE "session" SET "sessionToken" = rtrim(translate(encode(sha256(convert_to("sessionToken", 'UTF8')), 'base64'), '+/', '-_'), '=');
--> statement-breakpoint
ALTER TABLE "session"
	ADD COLUMN "id" uuid DEFAULT gen_random_uuid() NOT NULL,
	ADD COLUMN "createdAt" timestamp with time zone DEFAULT now() NOT NULL,
	ADD COLUMN "lastSeenAt" timestamp with time zone DEFAULT now() NOT NULL,
	ADD COLUMN "ipAddress" "inet",
	ADD COLUMN "userAgent" text,
	ADD CONSTRAINT "session_id_unique" UNIQUE("id");
--> statement-breakpoint
CREATE TABLE "session_policy" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"idle_timeout_seconds" integer NOT NULL,
	"max_age_seconds" integer NOT NULL,
	CONSTRAINT "session_policy_singleton" CHECK ("session_policy"."singleton")
);
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS "user" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text,
	"email" text,
	"emailVerified" timestamp,
	"image" text,
	CONSTRAINT "user_email_unique" UNIQUE("email")
);
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS "verificationToken" (
	"identifier" text NOT NULL,
	"token" text NOT NULL,
	"expires" timestamp NOT NULL,
	CONSTRAINT "verificationToken_identifier_token_pk" PRIMARY KEY("identifier","token")
);
--> statement-breakpoint
-- The foreign keys end the sessions of a deleted user, and make a login wait for a logout of the same user.
DO $$ BEGIN
	IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = '"account"'::regclass AND confrelid = '"user"'::regclass AND contype = 'f') THEN
		ALTER TABLE "account" ADD CONSTRAINT "account_userId_user_id_fk" FOREIGN KEY ("userId") REFERENCES "public"."user"("id") ON DELETE cascade ON UPDATE no action;
	END IF;
END $$;--> statement-breakpoint
DO $$ BEGIN
	IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = '"session"'::regclass AND confrelid = '"user"'::regclass AND contype = 'f') THEN
		ALTER TABLE "session" ADD CONSTRAINT "session_userId_user_id_fk" FOREIGN KEY ("userId") REFERENCES "public"."user"("id") ON DELETE cascade ON UPDATE no action;
	END IF;
END $$;--> statement-breakpoint
CREATE INDEX "operation_user_id_at_idx" ON "operation" USING btree ("user_id","at");--> statement-breakpoint
CREATE INDEX "revoked_session_session_id_idx" ON "revoked_session" USING btree ("session_id");--> statement-breakpoint
CREATE INDEX "revoked_session_session_token_idx" ON "revoked_session" USING btree ("session_token");--> statement-breakpoint
CREATE INDEX "revoked_session_operation_id_idx" ON "revoked_session" USING btree ("operation_id");--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "session_userId_idx" ON "session" USING btree ("userId");