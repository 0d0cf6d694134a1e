// The mock as a middleware of Vite's servers. MOCK_SPEED sets the tokens per second.
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { createApi } from "./api";

export type Handler = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

async function answer(handle: (request: Request) => Promise<Response>, request: IncomingMessage, response: ServerResponse) {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  const method = request.method ?? "GET";
  const result = await handle(
    new Request(`http://localhost${request.url}`, {
      method,
      headers: Object.entries(request.headers).filter((one): one is [string, string] => typeof one[1] === "string"),
      body: method === "GET" || method === "HEAD" ? undefined : new Blob(chunks as BlobPart[]),
    }),
  );
  response.statusCode = result.status;
  result.headers.forEach((value, name) => response.setHeader(name, value));
  if (!result.body) return void response.end();
  const body = Readable.fromWeb(result.body as never);
  response.on("close", () => body.destroy());
  body.on("error", () => response.destroy());
  body.pipe(response);
}

export function createMock(): Handler {
  const api = createApi({ tokensPerSecond: Number(process.env.MOCK_SPEED ?? 60) });
  return (request, response, next) => {
    if (!request.url?.startsWith("/app/api/")) return next();
    answer(api.handle, request, response).catch((error: unknown) => {
      console.error(error);
      response.statusCode = 500;
      response.end(JSON.stringify({ error: { message: String(error), type: "server_error", param: null, code: null } }));
    });
  };
}
