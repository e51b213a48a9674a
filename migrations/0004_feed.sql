DROP INDEX "revoked_session_xid_idx";--> statement-breakpoint
CREATE INDEX "revoked_session_xid_id_idx" ON "revoked_session" USING btree ("xid","id");