// The smaller endpoints.
#pragma once

#include "server/context.h"

namespace parley::server {

http::Task list_models(Call& call);                 // GET /v1/models
http::Task show_model(Call& call, std::string id);  // GET /v1/models/{id}
http::Task embeddings(Call& call);                  // POST /v1/embeddings
http::Task moderations(Call& call);                 // POST /v1/moderations
http::Task tokenize(Call& call);                    // POST /tokenize
http::Task detokenize(Call& call);                  // POST /detokenize
http::Task tokenizer_info(Call& call);              // GET /tokenizer_info

}  // namespace parley::server
