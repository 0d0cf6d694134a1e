#include "store/database.h"

namespace parley::store {

std::unique_ptr<Database> open_postgres(const std::string&, int) {
  base::fail("PostgreSQL is not built in");
}

}  // namespace parley::store
