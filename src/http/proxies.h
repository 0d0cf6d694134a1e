// Whose word about the client's address is taken.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace parley::http {

class TrustedProxies {
 public:
  // Addresses or networks: "127.0.0.1", "10.0.0.0/8", "fd00::/8". Error naming one that is neither.
  explicit TrustedProxies(const std::vector<std::string>& entries);

  bool trusts(const boost::asio::ip::address& address) const;

  // The client's address: the connection's, or the last one of X-Forwarded-For when the connection
  // is a trusted proxy's.
  std::string client(const boost::asio::ip::address& peer, const Headers& headers) const;

 private:
  struct Network {
    std::vector<unsigned char> bytes;  // 4 or 16
    int prefix = 0;                    // bits that count
  };
  std::vector<Network> networks_;
};

}  // namespace parley::http
