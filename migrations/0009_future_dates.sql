-- What has happened is not dated into the future, whoever writes it: a session from the year 9000 would never age, and always
-- count as a recent sign-in. A minute is allowed, because clocks of applications and of servers that take over differ. What was
-- dated ahead before, or was when a clock was set back, stays as it is, and may be used on.

CREATE FUNCTION public.refuse_future() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	was jsonb := '{}';
	named text;
BEGIN
	IF TG_OP = 'UPDATE' THEN
		was := to_jsonb(old);
	END IF;
	FOREACH named IN ARRAY TG_ARGV LOOP
		IF (to_jsonb(new) ->> named)::timestamptz > clock_timestamp() + interval '1 minute'
			AND to_jsonb(new) ->> named IS DISTINCT FROM was ->> named THEN
			RAISE EXCEPTION '"%" of "%" lies in the future', named, TG_TABLE_NAME
				USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = named,
					DETAIL = format('It is %s, and now is %s.', to_jsonb(new) ->> named, to_jsonb(clock_timestamp()) #>> '{}'),
					HINT = 'At most a minute is allowed. Leave the column to its default, or compare the clocks.';
		END IF;
	END LOOP;
	RETURN new;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION public.refuse_future() FROM PUBLIC;
--> statement-breakpoint
-- The condition is cheap, and the function runs only where it holds. Updates ask for these columns alone. What others put in
-- schema public is out of sight meanwhile: format() takes anything, so that a function there would be the better match.
DO $$
DECLARE
	named record;
	ahead text;
	named_columns text;
BEGIN
	PERFORM pg_catalog.set_config('search_path'::text, 'pg_catalog, pg_temp'::text, true);
	FOR named IN SELECT * FROM (VALUES
		('session', ARRAY['createdAt', 'lastSeenAt']),
		('replay', ARRAY['at']),
		('service_key', ARRAY['created_at', 'last_used_at', 'revoked_at']),
		('user_lock', ARRAY['locked_at']),
		('staff', ARRAY['granted_at']),
		('incident', ARRAY['planned_at', 'started_at', 'finished_at'])
	) AS tables (name, columns) LOOP
		SELECT string_agg(format('new.%I > pg_catalog.clock_timestamp() + pg_catalog.make_interval(mins => 1)', c), ' OR '),
			string_agg(quote_ident(c), ', ')
		INTO ahead, named_columns FROM unnest(named.columns) AS c;
		EXECUTE format('CREATE TRIGGER %I BEFORE INSERT OR UPDATE OF %s ON public.%I FOR EACH ROW WHEN (%s)
			EXECUTE FUNCTION public.refuse_future(%s)', named.name || '_not_from_the_future', named_columns, named.name, ahead,
			array_to_string(ARRAY(SELECT quote_literal(c) FROM unnest(named.columns) AS c), ', '));
	END LOOP;
	PERFORM set_config('search_path', 'public, pg_temp', true);
END $$;
--> statement-breakpoint
UPDATE public.session SET "createdAt" = least("createdAt", now()), "lastSeenAt" = least("lastSeenAt", now())
	WHERE "createdAt" > now() OR "lastSeenAt" > now();
--> statement-breakpoint
UPDATE public.replay SET at = now() WHERE at > now();
