-- Plays the application for a try: adds a user and signs them in on two devices, whose tokens psql is given as
-- the variables `laptop` and `phone`. The table holds base64url(SHA-256(token)), never a token.
insert into "user" (id, name, email) values ('ada', 'Ada Lovelace', 'ada@example.com')
on conflict (id) do nothing;

insert into session ("sessionToken", "userId", expires, "userAgent")
select rtrim(translate(encode(sha256(convert_to(token, 'UTF8')), 'base64'), '+/', '-_'), '='),
	'ada', (now() + interval '30 days') at time zone 'utc', agent
from (values (:'laptop', 'Laptop/1.0'), (:'phone', 'Phone/1.0 (iPhone; iOS 18.6)')) as device (token, agent);
