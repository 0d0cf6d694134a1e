#include "http/proxies.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "http/text.h"

namespace parley::http {
namespace {

namespace ip = boost::asio::ip;

// IPv4 addresses that came as ::ffff:1.2.3.4 compare and read as IPv4.
ip::address unmapped(const ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

std::vector<unsigned char> bytes_of(const ip::address& address) {
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    return {bytes.begin(), bytes.end()};
  }
  const auto bytes = address.to_v6().to_bytes();
  return {bytes.begin(), bytes.end()};
}

// "1.2.3.4", "1.2.3.4:5", "::1", "[::1]:5"
std::optional<ip::address> parse_address(std::string_view text) {
  if (text.starts_with("[")) {
    text.remove_prefix(1);
    text = text.substr(0, text.find(']'));
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    text = text.substr(0, text.find(':'));
  }
  boost::system::error_code error;
  const ip::address address = ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  return unmapped(address);
}

}  // namespace

TrustedProxies::TrustedProxies(const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) {
    const size_t slash = entry.find('/');
    boost::system::error_code error;
    const ip::address address = ip::make_address(entry.substr(0, slash), error);
    if (error)
      base::fail("trusted proxy \"{}\": neither an address nor a network such as 10.0.0.0/8",
                 entry);
    Network network{bytes_of(unmapped(address)), 0};
    const int bits = static_cast<int>(network.bytes.size()) * 8;
    network.prefix = bits;
    if (slash != std::string::npos) {
      const char* const end = entry.data() + entry.size();
      const auto [stop, problem] = std::from_chars(entry.data() + slash + 1, end, network.prefix);
      if (problem != std::errc() || stop != end || network.prefix < 0 || network.prefix > bits)
        base::fail("trusted proxy \"{}\": a prefix has 0 to {} bits", entry, bits);
    }
    networks_.push_back(std::move(network));
  }
}

bool TrustedProxies::trusts(const ip::address& address) const {
  const std::vector<unsigned char> bytes = bytes_of(unmapped(address));
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    if (network.bytes.size() != bytes.size()) return false;
    for (int bit = 0; bit < network.prefix; ++bit) {
      const int mask = 0x80 >> (bit % 8);
      if ((network.bytes[bit / 8] & mask) != (bytes[bit / 8] & mask)) return false;
    }
    return true;
  });
}

std::string TrustedProxies::client(const ip::address& peer, const Headers& headers) const {
  const ip::address own = unmapped(peer);
  if (networks_.empty() || !trusts(own)) return own.to_string();
  std::string_view last;
  for (const auto& [name, value] : headers.fields())
    if (equal_ignoring_case(name, "X-Forwarded-For")) last = value;
  const size_t comma = last.rfind(',');
  if (comma != std::string_view::npos) last.remove_prefix(comma + 1);
  const auto address = parse_address(trim(last));
  return (address ? *address : own).to_string();
}

}  // namespace parley::http
