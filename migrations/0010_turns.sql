-- Turns that only our roles can take, which key made a session, and whether a replay came from the session's own device.

-- An advisory lock can be held by any login, so one instance at a time is who locks a row here: that takes the right to update
-- the table (SELECT … FOR UPDATE SKIP LOCKED, in the transaction that does the work).
CREATE TABLE "job" (
	"name" text PRIMARY KEY NOT NULL
);
--> statement-breakpoint
INSERT INTO public.job (name) VALUES ('replays'), ('sweep');
--> statement-breakpoint
-- An incident takes many transactions, and a lock that outlives one would hold the feed and the sweep back: its runner renews
-- a lease instead.
CREATE TABLE "incident_runner" (
	"incident_id" uuid PRIMARY KEY NOT NULL,
	"runner" uuid NOT NULL,
	"until" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "session" ADD COLUMN "keyId" uuid;--> statement-breakpoint
ALTER TABLE "replay" ADD COLUMN "same_address" boolean;--> statement-breakpoint
ALTER TABLE "replay" ADD COLUMN "same_program" boolean;
--> statement-breakpoint
DO $$ BEGIN
	IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'global_logout_service') THEN
		-- SELECT … FOR UPDATE asks for the right to update some column.
		GRANT SELECT, UPDATE (name) ON public.job TO global_logout_service;
		GRANT SELECT, INSERT, UPDATE, DELETE ON public.incident_runner TO global_logout_service;
		GRANT INSERT (same_address, same_program) ON public.replay TO global_logout_service;
	END IF;
END $$;
