import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { mockServer } from "./mock/plugin";

// PARLEY_SERVER=http://127.0.0.1:8000 npm run dev: against a real server; without it, the mock.
const server = process.env.PARLEY_SERVER;

export default defineConfig({
  plugins: [react(), ...(server ? [] : [mockServer()])],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2022",
    // The app's content security policy allows no data: URLs.
    assetsInlineLimit: 0,
    manifest: true,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
    modulePreload: { polyfill: false },
  },
  server: server ? { proxy: { "/app/api": { target: server, changeOrigin: false } } } : {},
  preview: server ? { proxy: { "/app/api": { target: server, changeOrigin: false } } } : {},
  test: {
    environment: "jsdom",
    setupFiles: ["src/test_setup.ts"],
    include: ["src/**/*.test.{ts,tsx}", "mock/**/*.test.ts"],
    restoreMocks: true,
    testTimeout: 20_000,
  },
});
