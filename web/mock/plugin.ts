// The server's HTTP interface (docs/app_api.md) without a server: for `npm run dev`, `npm run mock` and pictures.
import type { Plugin } from "vite";
import { createMock } from "./server";

export function mockServer(): Plugin {
  const handle = createMock();
  return {
    name: "parley-mock",
    configureServer(server) {
      server.middlewares.use(handle);
    },
    configurePreviewServer(server) {
      server.middlewares.use(handle);
    },
  };
}
