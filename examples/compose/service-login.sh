#!/bin/sh
# Creates the login of the service, once, when PostgreSQL makes its data. The migrations give the role its rights.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$SERVICE_PASSWORD" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
create role global_logout_service nologin;
create role gl_service login password :'password' in role global_logout_service;
SQL
