// The schema, as numbered steps from an empty database to what this program needs. Both databases
// have the same tables; what differs is marked in the SQL and filled in.
#pragma once

#include "store/database.h"

namespace parley::store {

// The version this program works with.
int schema_version();

// Brings the database to `version`; does nothing when it is there. One transaction, and of two
// programs that start together one waits for the other. Error when the database is newer than
// this program, or belongs to another one.
void migrate(Database& database, int version = schema_version());

}  // namespace parley::store
