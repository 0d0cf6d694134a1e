# For scripts in e2e/: a PostgreSQL server of their own. Sourcing this makes and starts it, in the folder
# $postgres; $postgres_url is its one database, $postgres_bin where its programs are. The script calls
# postgres_end when it ends. Skips the script where PostgreSQL is not installed.
postgres_bin=
for folder in "$(dirname "$(command -v initdb || echo /nowhere/initdb)")" /usr/lib/postgresql/*/bin; do
  if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ]; then postgres_bin=$folder; fi
done
[ -n "$postgres_bin" ] || { echo "skipped: PostgreSQL is not installed"; exit 77; }

# PostgreSQL refuses to run as root.
postgres_as=()
if [ "$(id -u)" = 0 ]; then
  id postgres >/dev/null 2>&1 || { echo "skipped: there is no user postgres to run PostgreSQL as"; exit 77; }
  postgres_as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi

# As PostgreSQL's user, in a folder that it may see.
postgres_run() { (cd / && "${postgres_as[@]}" "$@"); }
postgres_end() {
  postgres_run "$postgres_bin/pg_ctl" -D "$postgres/data" -m immediate -w stop >/dev/null 2>&1 || true
  rm -rf "$postgres"
}

# Sockets have short paths, and PostgreSQL's user has to reach them: a folder of its own.
postgres=$(mktemp -d --tmpdir=/tmp parley_pg_XXXXXX)
[ ${#postgres_as[@]} = 0 ] || chown postgres "$postgres"
trap postgres_end EXIT
postgres_run "$postgres_bin/initdb" -D "$postgres/data" -U parley -A trust -E UTF8 --locale=C >initdb.log 2>&1 ||
  { cat initdb.log >&2; exit 1; }
postgres_run "$postgres_bin/pg_ctl" -D "$postgres/data" -w -t 60 -l "$postgres/server.log" \
  -o "-c listen_addresses= -c unix_socket_directories=$postgres -c fsync=off" start >/dev/null ||
  { cat "$postgres/server.log" >&2; exit 1; }
postgres_url="postgresql://parley@$(printf %s "$postgres" | sed 's|/|%2F|g')/postgres"
