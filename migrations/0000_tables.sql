-- The tables, each with its indexes and first row. All are in the schema of our own; nothing outside it is altered, ever.
--
-- 0001_sessions.sql and 0002_record.sql hold the rules as functions and triggers, 0003_rights.sql who may do what. Columns,
-- indexes and checks are those of the schema.ts files of src: "npm run db:generate" finds no difference.

-- Nothing in another schema can take the place of a name in this file.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
--> statement-breakpoint

-- Users and sessions. "user" mirrors who has sessions, with the application's id as text, whatever its type there. Logins and
-- logouts of one user lock its row, and staff search it. "session" has the columns of the Auth.js Drizzle adapter, and ours.

CREATE TABLE "global_logout"."user" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text,
	"email" text,
	"image" text
);
--> statement-breakpoint
CREATE INDEX "user_id_prefix_idx" ON "global_logout"."user" USING btree (lower("id") text_pattern_ops);--> statement-breakpoint
CREATE INDEX "user_email_prefix_idx" ON "global_logout"."user" USING btree (lower(left("email", 600)) text_pattern_ops);--> statement-breakpoint
CREATE INDEX "user_name_prefix_idx" ON "global_logout"."user" USING btree (lower(left("name", 600)) text_pattern_ops);
--> statement-breakpoint
-- The application's own table of users, where "global-logout users link" has put its triggers. A regclass follows a renamed table,
-- and a dump names it.
CREATE TABLE "global_logout"."user_link" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"linked" "regclass" NOT NULL,
	"linked_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "user_link_singleton" CHECK ("user_link"."singleton")
);
--> statement-breakpoint
-- The token is stored as the SHA-256 of the token in base64url, as hashToken() in src/database/token-hash.ts has it. The foreign
-- key ends the sessions of a deleted user, and makes a sign-in wait for a logout of the same user.
CREATE TABLE "global_logout"."session" (
	"sessionToken" text PRIMARY KEY NOT NULL,
	"userId" text NOT NULL,
	"expires" timestamp NOT NULL,
	"id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"createdAt" timestamp with time zone DEFAULT now() NOT NULL,
	"lastSeenAt" timestamp with time zone DEFAULT now() NOT NULL,
	"passiveAt" timestamp with time zone,
	"ipAddress" "inet",
	"userAgent" text,
	"keyId" uuid,
	"epoch" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "session_id_unique" UNIQUE("id"),
	CONSTRAINT "session_userId_user_id_fk" FOREIGN KEY ("userId") REFERENCES "global_logout"."user"("id") ON DELETE cascade ON UPDATE no action,
	CONSTRAINT "session_dates" CHECK ("session"."createdAt" >= '0001-01-01Z' and "session"."createdAt" < '9999-12-31Z' and "session"."lastSeenAt" >= '0001-01-01Z' and "session"."lastSeenAt" < '9999-12-31Z' and "session"."passiveAt" >= '0001-01-01Z' and "session"."passiveAt" < '9999-12-31Z')
-- Space on each page, so that activity updates are heap-only (HOT). An update in place leaves vacuum nothing to do; what it removes
-- are index entries of sessions that ended, and it does so at 2 % of them instead of 20 %: at 20 million, steps of 0.4 million.
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
--> statement-breakpoint
CREATE INDEX "session_userId_idx" ON "global_logout"."session" USING btree ("userId");--> statement-breakpoint
CREATE INDEX "session_ipAddress_idx" ON "global_logout"."session" USING btree ("ipAddress");--> statement-breakpoint
CREATE INDEX "session_createdAt_idx" ON "global_logout"."session" USING brin ("createdAt" timestamptz_minmax_multi_ops) WITH (autosummarize = on);
--> statement-breakpoint

-- Operations. Who did what to sessions, when and why, in a chain of hashes that shows a change.

CREATE TABLE "global_logout"."operation" (
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
	"revoked_count" integer NOT NULL,
	"selection" jsonb,
	"result" jsonb,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"waited_ms" integer,
	CONSTRAINT "operation_dates" CHECK ("operation"."at" >= '0001-01-01Z' and "operation"."at" < '9999-12-31Z'),
	CONSTRAINT "operation_kinds" CHECK ("operation"."kind" in ('logout', 'session.end', 'session.replace', 'user.delete', 'user.revoke', 'user.lock', 'user.unlock', 'user.role', 'incident.plan', 'incident.execute', 'incident.finish', 'key.create', 'key.change', 'key.revoke', 'policy.change') and "operation"."actor_kind" in ('user', 'service', 'staff', 'system', 'database'))
);
--> statement-breakpoint
CREATE INDEX "operation_user_id_at_idx" ON "global_logout"."operation" USING btree ("user_id","at");--> statement-breakpoint
CREATE INDEX "operation_actor_id_at_idx" ON "global_logout"."operation" USING btree ("actor_id","at");--> statement-breakpoint
CREATE INDEX "operation_kind_at_idx" ON "global_logout"."operation" USING btree ("kind","at");--> statement-breakpoint
CREATE INDEX "operation_at_id_idx" ON "global_logout"."operation" USING btree ("at","id");--> statement-breakpoint
CREATE INDEX "operation_xid_idx" ON "global_logout"."operation" USING btree ("xid");
--> statement-breakpoint
CREATE TABLE "global_logout"."audit_link" (
	"seq" bigint PRIMARY KEY NOT NULL,
	"operation_id" uuid NOT NULL,
	"digest" "bytea" NOT NULL,
	"hash" "bytea" NOT NULL,
	"sealed_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "audit_link_operation_id_unique" UNIQUE("operation_id")
);
--> statement-breakpoint
CREATE TABLE "global_logout"."audit_head" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"seq" bigint DEFAULT 0 NOT NULL,
	"hash" "bytea" NOT NULL,
	"sealed" "pg_snapshot" NOT NULL,
	CONSTRAINT "audit_head_singleton" CHECK ("audit_head"."singleton")
);
--> statement-breakpoint
INSERT INTO "global_logout"."audit_head" ("hash", "sealed") VALUES (pg_catalog.sha256('global-logout audit'), '1:1:');
--> statement-breakpoint

-- Sessions. How long they live, what became of them, and what instances that answer from a cache have to know.

CREATE TABLE "global_logout"."session_policy" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"idle_timeout_seconds" integer NOT NULL,
	"max_age_seconds" integer NOT NULL,
	"epoch" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "session_policy_singleton" CHECK ("session_policy"."singleton")
);
--> statement-breakpoint
-- Seven and thirty days, until the service starts with other settings.
INSERT INTO "global_logout"."session_policy" ("idle_timeout_seconds", "max_age_seconds") VALUES (604800, 2592000);
--> statement-breakpoint
CREATE TABLE "global_logout"."revoked_session" (
	"id" bigint GENERATED ALWAYS AS IDENTITY (sequence name "global_logout"."revoked_session_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"session_id" uuid NOT NULL,
	"session_token" text NOT NULL,
	"user_id" text NOT NULL,
	"operation_id" uuid,
	"revoked_at" timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"last_seen_at" timestamp with time zone NOT NULL,
	"ip_address" "inet",
	"user_agent" text,
	"of_many" boolean DEFAULT false NOT NULL,
	CONSTRAINT "revoked_session_xid_id_pk" PRIMARY KEY("xid","id")
-- Rows are only added, and deleted after the retention: vacuum at 2 % of new ones keeps pages visible to all and the newest times in the
-- statistics, by which the planner chooses.
) WITH (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
--> statement-breakpoint
-- A global logout writes each of these for each session. So tokens, which are in no order, are hashed, and the time has a range for
-- each block: of the CPU of such a row a hash took a quarter, where a tree of tokens took half.
CREATE INDEX "revoked_session_session_token_idx" ON "global_logout"."revoked_session" USING hash ("session_token");--> statement-breakpoint
CREATE INDEX "revoked_session_of_many_idx" ON "global_logout"."revoked_session" USING btree ("operation_id","id") WHERE "revoked_session"."of_many";--> statement-breakpoint
CREATE INDEX "revoked_session_user_id_id_idx" ON "global_logout"."revoked_session" USING btree ("user_id","id");--> statement-breakpoint
CREATE INDEX "revoked_session_external_idx" ON "global_logout"."revoked_session" USING btree ("revoked_at","xid","user_id") WHERE "revoked_session"."operation_id" is null;--> statement-breakpoint
CREATE INDEX "revoked_session_revoked_at_idx" ON "global_logout"."revoked_session" USING brin ("revoked_at") WITH (autosummarize = on);
--> statement-breakpoint
CREATE TABLE "global_logout"."session_change" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "global_logout"."session_change_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"session_token" text NOT NULL,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL
);
--> statement-breakpoint
CREATE INDEX "session_change_xid_idx" ON "global_logout"."session_change" USING btree ("xid");
--> statement-breakpoint
CREATE TABLE "global_logout"."instance" (
	"id" uuid PRIMARY KEY NOT NULL,
	"beat" bigint DEFAULT 0 NOT NULL,
	"applied" "pg_snapshot",
	"notices" uuid[] DEFAULT '{}' NOT NULL
) WITH (fillfactor = 50);
--> statement-breakpoint
-- Numbered by the sequence of revocations: a transaction and a number are one place in a feed of both.
CREATE TABLE "global_logout"."replay" (
	"id" bigint PRIMARY KEY DEFAULT nextval('global_logout.revoked_session_id_seq'::regclass) NOT NULL,
	"session_id" uuid NOT NULL,
	"user_id" text NOT NULL,
	"operation_id" uuid,
	"count" integer DEFAULT 1 NOT NULL,
	"at" timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
	"ip_address" "inet",
	"user_agent" text,
	"same_address" boolean,
	"same_program" boolean,
	"xid" "xid8" DEFAULT pg_current_xact_id() NOT NULL
);
--> statement-breakpoint
CREATE INDEX "replay_user_id_at_idx" ON "global_logout"."replay" USING btree ("user_id","at");--> statement-breakpoint
CREATE INDEX "replay_at_idx" ON "global_logout"."replay" USING btree ("at");--> statement-breakpoint
CREATE INDEX "replay_xid_id_idx" ON "global_logout"."replay" USING btree ("xid","id");
--> statement-breakpoint
CREATE TABLE "global_logout"."feed_horizon" (
	"singleton" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"xid" "xid8" NOT NULL,
	CONSTRAINT "feed_horizon_singleton" CHECK ("feed_horizon"."singleton")
);
--> statement-breakpoint
INSERT INTO "global_logout"."feed_horizon" ("xid") VALUES ('0');
--> statement-breakpoint
-- Tokens that were taken over from another store of sessions. A token is taken over once: that store may hold it for long after its
-- session has ended here. Kept as long as revocations.
CREATE TABLE "global_logout"."taken_over" (
	"session_token" text PRIMARY KEY NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE INDEX "taken_over_at_idx" ON "global_logout"."taken_over" USING btree ("at");
--> statement-breakpoint
-- One instance at a time does a job. It locks the row, which takes the right to update the table; an advisory lock could be held
-- by any login. The sweep reads the table of sessions in turns: up to which page, and up to when that is what was due.
CREATE TABLE "global_logout"."job" (
	"name" text PRIMARY KEY NOT NULL,
	"page" bigint DEFAULT 0 NOT NULL,
	"done_until" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
INSERT INTO "global_logout"."job" ("name") VALUES ('replays'), ('sweep');
--> statement-breakpoint

-- Services and staff. Their keys and roles, the users who may not sign in, and incidents.

CREATE TABLE "global_logout"."service_key" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"name" text NOT NULL,
	"key_hash" text NOT NULL,
	"scopes" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone,
	"last_used_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "service_key_key_hash_unique" UNIQUE("key_hash"),
	CONSTRAINT "service_key_dates" CHECK ("service_key"."created_at" >= '0001-01-01Z' and "service_key"."created_at" < '9999-12-31Z' and "service_key"."expires_at" >= '0001-01-01Z' and "service_key"."expires_at" < '9999-12-31Z' and "service_key"."last_used_at" >= '0001-01-01Z' and "service_key"."last_used_at" < '9999-12-31Z' and "service_key"."revoked_at" >= '0001-01-01Z' and "service_key"."revoked_at" < '9999-12-31Z')
);
--> statement-breakpoint
-- Locks and roles are kept by id: they outlive the user's row.
CREATE TABLE "global_logout"."user_lock" (
	"user_id" text PRIMARY KEY NOT NULL,
	"until" timestamp with time zone,
	"reason" text NOT NULL,
	"locked_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "user_lock_dates" CHECK ("user_lock"."until" >= '0001-01-01Z' and "user_lock"."until" < '9999-12-31Z' and "user_lock"."locked_at" >= '0001-01-01Z' and "user_lock"."locked_at" < '9999-12-31Z')
);
--> statement-breakpoint
CREATE INDEX "user_lock_user_id_prefix_idx" ON "global_logout"."user_lock" USING btree (lower("user_id") text_pattern_ops);
--> statement-breakpoint
CREATE TABLE "global_logout"."staff" (
	"user_id" text PRIMARY KEY NOT NULL,
	"role" text NOT NULL,
	"granted_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "staff_roles" CHECK ("staff"."role" in ('security', 'auditor'))
);
--> statement-breakpoint
CREATE INDEX "staff_user_id_prefix_idx" ON "global_logout"."staff" USING btree (lower("user_id") text_pattern_ops);
--> statement-breakpoint
CREATE TABLE "global_logout"."incident" (
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
	"estimated" boolean DEFAULT false NOT NULL,
	"staff_sessions" integer NOT NULL,
	"sample" jsonb NOT NULL,
	"operation_id" uuid,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	"ended" integer DEFAULT 0 NOT NULL,
	"outcome" jsonb,
	"epoch" integer,
	CONSTRAINT "incident_epoch_unique" UNIQUE("epoch"),
	CONSTRAINT "incident_dates" CHECK ("incident"."planned_at" >= '0001-01-01Z' and "incident"."planned_at" < '9999-12-31Z' and "incident"."expires_at" >= '0001-01-01Z' and "incident"."expires_at" < '9999-12-31Z' and "incident"."started_at" >= '0001-01-01Z' and "incident"."started_at" < '9999-12-31Z' and "incident"."finished_at" >= '0001-01-01Z' and "incident"."finished_at" < '9999-12-31Z')
);
--> statement-breakpoint
CREATE INDEX "incident_planned_at_idx" ON "global_logout"."incident" USING btree ("planned_at");
--> statement-breakpoint
CREATE TABLE "global_logout"."incident_planned" (
	"incident_id" uuid NOT NULL,
	"part" integer NOT NULL,
	"session_ids" uuid[] NOT NULL,
	CONSTRAINT "incident_planned_incident_id_part_pk" PRIMARY KEY("incident_id","part")
);
--> statement-breakpoint
-- An incident takes many transactions, and a lock that outlives one would hold up the feed and the sweep: its runner renews a
-- lease.
CREATE TABLE "global_logout"."incident_runner" (
	"incident_id" uuid PRIMARY KEY NOT NULL,
	"runner" uuid NOT NULL,
	"until" timestamp with time zone NOT NULL
);
