# The store's tests over a PostgreSQL of their own, which ends with them; and the store outlives a
# restart of the server.
fail() { echo "FAILED: $*" >&2; tail -n 40 ./*.log >&2 2>/dev/null || true; exit 1; }
test_program=$(dirname "$PARLEY")/store_test
[ -x "$test_program" ] || { echo "$test_program is not built"; exit 77; }
bin=
for folder in /usr/lib/postgresql/*/bin "$(dirname "$(command -v initdb || echo /nowhere/initdb)")"; do
  if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ]; then bin=$folder; fi
done
[ -n "$bin" ] || { echo "PostgreSQL is not installed"; exit 77; }

# PostgreSQL refuses to run as root.
as=()
if [ "$(id -u)" = 0 ]; then
  id postgres >/dev/null 2>&1 || { echo "there is no user postgres to run PostgreSQL as"; exit 77; }
  as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
# Sockets have short paths, and the user postgres has to reach them: a folder of its own.
server=$(mktemp -d --tmpdir=/tmp parley_pg_XXXXXX)
[ ${#as[@]} = 0 ] || chown postgres "$server"
stop() { ( cd / && "${as[@]}" "$bin/pg_ctl" -D "$server/data" -m immediate -w stop >/dev/null 2>&1 || true ); }
trap 'stop; rm -rf "$server"' EXIT
cd "$server"
"${as[@]}" "$bin/initdb" -D "$server/data" -U parley -A trust -E UTF8 --locale=C >"$TMPDIR/initdb.log" 2>&1 ||
  { cd "$TMPDIR"; fail initdb; }
start() {
  "${as[@]}" "$bin/pg_ctl" -D "$server/data" -w -t 60 -l "$server/server.log" \
    -o "-c listen_addresses= -c unix_socket_directories=$server -c fsync=off" start >/dev/null ||
    fail "the server does not start"
}
start
host=$(printf %s "$server" | sed 's|/|%2F|g')
export PARLEY_TEST_POSTGRES="postgresql://parley@$host/postgres"
cd "$TMPDIR"
# One test starts the server anew under an open store.
export PARLEY_TEST_POSTGRES_RESTART="cd / && ${as[*]-} $bin/pg_ctl -D $server/data -m immediate -w -l $server/server.log restart >/dev/null 2>&1"

"$test_program" --gtest_filter='*postgres*:*Postgres*-*EveryQueryHasAnIndex*' >tests.log 2>&1 || { cat tests.log; fail "tests"; }
tail -n 3 tests.log
! grep -q '\[  SKIPPED \]' tests.log || fail "tests were skipped"
