#include "app/documents.h"

#include <gtest/gtest.h>

#include "app/app_test_util.h"
#include "base/subprocess.h"

namespace parley::app {
namespace {

// A PDF of pages with one line of text each.
std::string make_pdf(const std::vector<std::string>& pages, const std::string& trailer = {}) {
  std::string pdf = "%PDF-1.4\n";
  std::vector<size_t> places;
  const auto object = [&](const std::string& body) {
    places.push_back(pdf.size());
    pdf += fmt::format("{} 0 obj\n{}\nendobj\n", places.size(), body);
  };
  std::string kids;
  for (size_t i = 0; i < pages.size(); ++i) kids += fmt::format("{} 0 R ", 4 + 2 * i);
  object("<< /Type /Catalog /Pages 2 0 R >>");
  object(fmt::format("<< /Type /Pages /Kids [{}] /Count {} >>", kids, pages.size()));
  object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
  for (size_t i = 0; i < pages.size(); ++i) {
    object(
        fmt::format("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R "
                    "/Resources << /Font << /F1 3 0 R >> >> >>",
                    5 + 2 * i));
    const std::string stream =
        pages[i].empty() ? "" : fmt::format("BT /F1 12 Tf 72 700 Td ({}) Tj ET", pages[i]);
    object(fmt::format("<< /Length {} >>\nstream\n{}\nendstream", stream.size(), stream));
  }
  const size_t table = pdf.size();
  pdf += fmt::format("xref\n0 {}\n0000000000 65535 f \n", places.size() + 1);
  for (const size_t place : places) pdf += fmt::format("{:010} 00000 n \n", place);
  pdf += fmt::format("trailer\n<< /Size {} /Root 1 0 R {} >>\nstartxref\n{}\n%%EOF\n",
                     places.size() + 1, trailer, table);
  return pdf;
}

int status_of(const std::string& bytes, std::string* code = nullptr) {
  try {
    read_file_text(bytes);
    return 200;
  } catch (const ApiError& error) {
    if (code) *code = error.code;
    EXPECT_FALSE(std::string(error.what()).empty());
    return error.status;
  }
}

std::string text_of(const std::string& bytes) { return read_file_text(bytes).pages.front(); }

TEST(FileTexts, Encodings) {
  EXPECT_EQ(text_of("plain\r\ntext\rend"), "plain\ntext\nend");
  EXPECT_EQ(text_of("\xEF\xBB\xBF你好"), "你好");
  EXPECT_EQ(text_of(std::string("\xFF\xFEh\0i\0`O", 8)), "hi你");
  EXPECT_EQ(text_of(std::string("\xFE\xFF\0h\0i\x4F\x60", 8)), "hi你");
  EXPECT_EQ(text_of("\xC4\xE3\xBA\xC3\xA3\xAC world\xA1\xA3"), "你好， world。");
  EXPECT_EQ(text_of("a\x1B[0m b"), "a[0m b");
}

TEST(FileTexts, WhatIsNoText) {
  std::string code;
  EXPECT_EQ(status_of(std::string("PK\x03\x04 docx", 9), &code), 415);
  EXPECT_EQ(code, "unsupported_file");
  EXPECT_EQ(status_of(std::string("a\0b", 3)), 415);
  EXPECT_EQ(status_of("\x89PNG\r\n"), 415);
  EXPECT_EQ(status_of("r\xE9sum\xE9 of a caf\xE9"), 415);                 // Latin-1
  EXPECT_EQ(status_of(std::string("\xFF\xFE\x00\xD8\x00\xD8", 6)), 415);  // half a surrogate
  EXPECT_EQ(status_of(std::string(300, '\x01')), 415);
  EXPECT_EQ(status_of("", &code), 422);
  EXPECT_EQ(code, "no_text");
  EXPECT_EQ(status_of(" \n\t"), 422);
}

TEST(FileTexts, Pdf) {
  if (base::find_program("pdftotext").empty()) GTEST_SKIP() << "pdftotext is not installed";
  const FileText file = read_file_text(make_pdf({"Herons eat fish.", "", "Owls hunt at night."}));
  EXPECT_EQ(file.kind, "pdf");
  ASSERT_EQ(file.pages.size(), 3u);
  EXPECT_NE(file.pages[0].find("Herons eat fish."), std::string::npos);
  EXPECT_NE(file.pages[2].find("Owls hunt at night."), std::string::npos);
  std::string code;
  EXPECT_EQ(status_of(make_pdf({"", ""}), &code), 422);
  EXPECT_EQ(code, "no_text");
  EXPECT_EQ(status_of("%PDF-1.4\nnonsense", &code), 422);
  EXPECT_EQ(code, "broken_pdf");
  const std::string hash(32, 'x');
  const std::string locked =
      make_pdf({"secret"}, fmt::format("/Encrypt << /Filter /Standard /V 1 /R 2 /O ({}) /U ({}) /P "
                                       "-4 >> /ID [(a) (a)]",
                                       hash, hash));
  EXPECT_EQ(status_of(locked, &code), 422);
  EXPECT_EQ(code, "encrypted");
}

TEST(FileTexts, Names) {
  EXPECT_EQ(clean_name("C:\\files\\a b.txt"), "a b.txt");
  EXPECT_EQ(clean_name("../../etc/passwd"), "passwd");
  EXPECT_EQ(clean_name(" \n"), "document");
  EXPECT_EQ(clean_name("a\x01\nb.md"), "a b.md");
  const std::string name = clean_name(std::string(900, 'x') + ".pdf");
  EXPECT_LE(name.size(), 204u);
  EXPECT_TRUE(name.ends_with(".pdf"));
  EXPECT_EQ(clean_name("报告.pdf"), "报告.pdf");
}

class Documents : public AppTest {
 protected:
  Documents() : browser_(open()) {}
  Json upload(const std::string& name, const std::string& bytes, int status = 201) {
    const http::Response answer = send(browser_, "POST", "/app/api/documents?name=" + name, bytes);
    EXPECT_EQ(answer.status, status) << answer.body;
    return Json::parse(answer.body);
  }
  Browser browser_;
};

TEST_F(Documents, AreReadCitedAndDeleted) {
  std::string text = "# Birds\n\n";
  for (int i = 0; i < 60; ++i)
    text += fmt::format("Bird {} lives in the wood number {}.\n\n", i, i);
  const Json document = upload("b%20irds.md", text);
  EXPECT_EQ(document["name"], "b irds.md");
  EXPECT_EQ(document["kind"], "text");
  EXPECT_EQ(document["bytes"], text.size());
  EXPECT_GT(document["passages"].get<int>(), 2);
  const std::string id = document["id"].get<std::string>();
  EXPECT_EQ(get(browser_, "/documents")["documents"][0], document);
  const Json passage = get(browser_, "/documents/" + id + "/passages/1");
  EXPECT_EQ(passage["document"], id);
  EXPECT_EQ(passage["number"], 1);
  EXPECT_TRUE(passage["page"].is_null());
  EXPECT_GT(passage["start_line"].get<int>(), 3);

  const std::string chat = new_conversation(browser_, {{"params", {{"max_tokens", 4}}}});
  const Json asked = ask(browser_, chat, "Where does bird 17 live?", {{"documents", {id}}});
  EXPECT_EQ(asked["user"]["documents"][0]["name"], "b irds.md");
  const Json answer = wait_for(browser_, asked["answers"][0]["id"].get<std::string>());
  ASSERT_GE(answer["citations"].size(), 1u) << answer.dump();
  EXPECT_EQ(answer["citations"][0]["document"], id);

  call(browser_, "DELETE", "/documents/" + id);
  EXPECT_EQ(refused(browser_, "DELETE", "/documents/" + id, nullptr, 404), "not_found");
  get(browser_, "/documents/" + id + "/passages/1", 404);
  EXPECT_TRUE(get(browser_, "/documents")["documents"].empty());
}

TEST_F(Documents, AreRefusedWithReasons) {
  EXPECT_EQ(upload("a.docx", std::string("PK\x03\x04\0", 5), 415)["error"]["code"],
            "unsupported_file");
  EXPECT_EQ(upload("a.txt", "", 422)["error"]["code"], "no_text");
  const Json document = upload("a.txt", "hello");
  const std::string id = document["id"].get<std::string>();
  for (const char* number : {"1", "x", "-1", "99999999999999999999"})
    get(browser_, "/documents/" + id + "/passages/" + number, 404);
}

class FewDocuments : public Documents {
 protected:
  FewDocuments() {
    options_.max_documents = 1;
    start();
    browser_ = open();
  }
};

TEST_F(FewDocuments, ThereIsALimit) {
  upload("a.txt", "hello");
  EXPECT_EQ(upload("b.txt", "hello", 409)["error"]["code"], "too_many");
}

}  // namespace
}  // namespace parley::app
