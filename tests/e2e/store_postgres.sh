# The store's tests over a PostgreSQL of their own, which ends with them; and the store outlives a
# restart of the server.
test_program=$(dirname "$PARLEY")/store_test
[ -x "$test_program" ] || { echo "$test_program is not built"; exit 77; }
. "$PARLEY_SOURCE_DIR/tests/postgres.bash"
export PARLEY_TEST_POSTGRES=$postgres_url
# One test starts the server anew under an open store.
export PARLEY_TEST_POSTGRES_RESTART="cd / && ${postgres_as[*]-} $postgres_bin/pg_ctl -D $postgres/data -m immediate -w -l $postgres/server.log restart >/dev/null 2>&1"

"$test_program" --gtest_filter='*postgres*:*Postgres*-*EveryQueryHasAnIndex*' >tests.log 2>&1 ||
  { cat tests.log; echo "FAILED: tests" >&2; exit 1; }
tail -n 3 tests.log
! grep -q '\[  SKIPPED \]' tests.log || { echo "FAILED: tests were skipped" >&2; exit 1; }
