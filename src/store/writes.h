// Rows that more than one part of the store writes.
#pragma once

#include "store/database.h"
#include "store/store.h"

namespace parley::store {

// With its title in the index. Conflict when the id is taken.
void insert_conversation(Connection& connection, const Conversation& conversation);

}  // namespace parley::store
