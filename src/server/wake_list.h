// Who is to be woken when the engine has ended a step.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "http/channel.h"
#include "server/piece.h"

namespace parley::server {

// The engine's thread gives something to many answers in a step. To wake their connections one by
// one would take the core away from the step many times; they are woken together, after it.
// For the engine's thread only.
class WakeList {
 public:
  using PieceChannel = std::shared_ptr<http::Channel<Piece>>;

  void push(const PieceChannel& channel, Piece piece) {
    if (channel->push_quietly(std::move(piece))) waiting_.push_back(channel);
  }
  void flush() {
    for (const PieceChannel& channel : waiting_) channel->wake();
    waiting_.clear();
  }

 private:
  std::vector<PieceChannel> waiting_;
};

}  // namespace parley::server
