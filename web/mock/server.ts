import type { IncomingMessage, ServerResponse } from "node:http";

export type Handler = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

export function createMock(): Handler {
  return (request, response, next) => {
    if (!request.url?.startsWith("/app/api/")) return next();
    response.setHeader("Content-Type", "application/json");
    if (request.url === "/app/api/session")
      return void response.end(
        JSON.stringify({
          user: { id: "local", name: "local", role: "admin", disabled: false, daily_tokens: 0, created: 0 },
          csrf: "csrf",
          users_enabled: false,
          setup_needed: false,
          models: [{ id: "parley-chat", context: 2048, chat: true }],
          version: "mock",
          settings: {},
        }),
      );
    response.statusCode = 404;
    response.end(JSON.stringify({ error: { message: "The mock has no such endpoint yet.", type: "invalid_request_error", param: null, code: "not_found" } }));
  };
}
