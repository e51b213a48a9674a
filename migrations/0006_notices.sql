-- An instance acknowledges what notifications carry without a read: the digests of those that it has applied since "applied".

-- Nothing in another schema can take the place of a name in this file.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
--> statement-breakpoint
ALTER TABLE "global_logout"."instance" ADD COLUMN "notices" uuid[] DEFAULT '{}' NOT NULL;
--> statement-breakpoint
-- The service writes it. All other rights stay as grant_roles() in 0004_rights.sql gives them.
DO $$
DECLARE
	old CONSTANT text := pg_get_functiondef('global_logout.grant_roles()'::regprocedure);
	new CONSTANT text := replace(old, 'UPDATE (beat, applied)', 'UPDATE (beat, applied, notices)');
BEGIN
	IF new = old THEN
		RAISE EXCEPTION 'grant_roles() is not the one of 0004_rights.sql';
	END IF;
	EXECUTE new;
END $$;
--> statement-breakpoint
SELECT global_logout.grant_roles();
