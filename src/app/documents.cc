#include "app/documents.h"

#include <boost/asio/thread_pool.hpp>

#include "app/passages.h"

namespace parley::app {
namespace {

constexpr size_t kMostBytes = 32 << 20;
constexpr size_t kMostPassages = 5000;

// Reading a file takes seconds at times: that must not keep the store's threads from others.
boost::asio::thread_pool& readers() {
  static boost::asio::thread_pool pool(2);
  return pool;
}

template <typename Work>
auto on_readers(Work work) -> boost::asio::awaitable<decltype(work())> {
  using Result = decltype(work());
  auto elsewhere = [](Work job) -> boost::asio::awaitable<Result> { co_return job(); };
  co_return co_await boost::asio::co_spawn(readers(), elsewhere(std::move(work)),
                                           boost::asio::use_awaitable);
}

http::Task list_documents(Call& call) {
  auto read = [&] {
    Json list = Json::array();
    for (const store::Document& document : call.services.store.documents(call.user.id))
      list.push_back(to_json(document));
    return Json({{"documents", std::move(list)}});
  };
  const Json json = co_await call.blocking(read);
  co_await call.reply(json);
}

void check_room(const Call& call) {
  const int64_t most = call.services.options.max_documents;
  if (std::ssize(call.services.store.documents(call.user.id)) >= most)
    throw ApiError(409, fmt::format("You have {} files already. Delete some first.", most), {},
                   "too_many");
}

http::Task add_document(Call& call) {
  const std::string& bytes = call.exchange.request().body;
  if (bytes.size() > kMostBytes)
    throw ApiError(413, fmt::format("A file has at most {} MB.", kMostBytes >> 20), {},
                   "too_large");
  auto room = [&] { check_room(call); };
  co_await call.blocking(room);

  store::Document document{.id = store::make_id(), .user = call.user.id};
  document.name = clean_name(call.text("name"));
  document.bytes = std::ssize(bytes);
  auto read = [&] {
    const FileText file = read_file_text(bytes);
    document.kind = file.kind;
    document.characters = file.characters;
    std::vector<store::Passage> passages =
        file.kind == "pdf" ? cut_pages(file.pages) : cut_lines(file.pages.front());
    if (passages.size() > kMostPassages)
      throw ApiError(
          413,
          fmt::format("The file holds {} characters of text, which is too much: about "
                      "{} fit. Split it.",
                      file.characters,
                      file.characters * static_cast<int64_t>(kMostPassages) / std::ssize(passages)),
          {}, "too_long");
    return passages;
  };
  std::vector<store::Passage> passages = co_await on_readers(read);
  for (store::Passage& passage : passages) passage.document = document.id;
  document.passages = std::ssize(passages);
  document.created = store::now();
  auto add = [&] {
    check_room(call);
    call.services.store.add_document(document, passages);
  };
  co_await call.blocking(add);
  const Json json = to_json(document);
  co_await call.reply(json, 201);
}

http::Task remove_document(Call& call) {
  auto remove = [&] {
    if (!call.services.store.document(call.user.id, call.parts[0])) throw not_found("document");
    call.services.store.remove_document(call.user.id, call.parts[0]);
  };
  co_await call.blocking(remove);
  const Json nothing = Json::object();
  co_await call.reply(nothing);
}

http::Task show_passage(Call& call) {
  const std::string& number = call.parts[1];
  if (number.empty() || number.size() > 9 ||
      number.find_first_not_of("0123456789") != std::string::npos)
    throw not_found("passage");
  auto read = [&] {
    store::Store& store = call.services.store;
    const auto document = store.document(call.user.id, call.parts[0]);
    if (!document) throw not_found("document");
    const auto passage = store.passage(call.user.id, document->id, std::stoll(number));
    if (!passage) throw not_found("passage");
    const auto or_null = [](int64_t value) { return value > 0 ? Json(value) : Json(); };
    return Json({{"document", document->id},
                 {"name", document->name},
                 {"number", passage->number},
                 {"text", passage->text},
                 {"page", or_null(passage->page)},
                 {"start_line", or_null(passage->start_line)}});
  };
  const Json json = co_await call.blocking(read);
  co_await call.reply(json);
}

}  // namespace

Json to_json(const store::Document& document) {
  return {{"id", document.id},
          {"name", document.name},
          {"bytes", document.bytes},
          {"characters", document.characters},
          {"passages", document.passages},
          {"kind", document.kind},
          {"created", document.created}};
}

std::vector<Route> document_routes() {
  return {
      {"GET", "/app/api/documents", Access::kUser, list_documents},
      {"POST", "/app/api/documents", Access::kUser, add_document},
      {"DELETE", "/app/api/documents/{id}", Access::kUser, remove_document},
      {"GET", "/app/api/documents/{id}/passages/{n}", Access::kUser, show_passage},
  };
}

}  // namespace parley::app
