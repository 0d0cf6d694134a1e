#include "store/sql_store.h"

namespace parley::store {

namespace {

Preset read_preset(const Row& row) {
  Preset p;
  Columns(row) >> p.id >> p.user >> p.title >> p.system >> p.text_template >> p.language >>
      p.params >> p.created;
  return p;
}

}  // namespace

void SqlStore::add_preset(const Preset& p) {
  try {
    change(
        "INSERT INTO presets(id, user_id, title, system, text_template, language, params, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        {p.id, p.user, p.title, p.system, p.text_template, p.language, p.params, p.created});
  } catch (const UniqueViolation&) {
    throw Conflict("there is a preset with the id " + p.id + " already");
  }
}

std::vector<Preset> SqlStore::presets(const Id& user) {
  return list(
      "SELECT id, user_id, title, system, text_template, language, params, created FROM presets"
      " WHERE user_id = ? ORDER BY created, id",
      {user}, &read_preset);
}

void SqlStore::update_preset(const Preset& p) {
  change(
      "UPDATE presets SET title = ?, system = ?, text_template = ?, language = ?, params = ?"
      " WHERE id = ? AND user_id = ?",
      {p.title, p.system, p.text_template, p.language, p.params, p.id, p.user});
}

void SqlStore::remove_preset(const Id& user, const Id& id) {
  change("DELETE FROM presets WHERE id = ? AND user_id = ?", {id, user});
}

}  // namespace parley::store
