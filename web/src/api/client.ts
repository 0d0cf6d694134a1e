// Requests to the server. Components call `api.get(...)` and the like; errors are `ApiError`.
import type { Session } from "./types";

const kBase = "/app/api";

// What the server (or the network) refused. `status` 0: nobody answered.
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code: string = "",
    readonly param: string = "",
  ) {
    super(message);
    this.name = "ApiError";
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

interface Options {
  signal?: AbortSignal;
  // Sent as it is instead of JSON.
  raw?: BodyInit;
  // Keeps a request alive while the page closes.
  keepalive?: boolean;
}

let csrf = "";
let unauthorized: () => void = () => {};
let reachable: (yes: boolean) => void = () => {};

export function setCsrf(token: string): void {
  csrf = token;
}

// Called when the session has ended (401 outside the log-in page).
export function onUnauthorized(handler: () => void): void {
  unauthorized = handler;
}

// Called with false when the server does not answer, with true when it does.
export function onReachable(handler: (yes: boolean) => void): void {
  reachable = handler;
}

export async function errorOf(response: Response): Promise<ApiError> {
  let message = "";
  let code = "";
  let param = "";
  try {
    const body = (await response.json()) as { error?: { message?: string; code?: string; param?: string } };
    message = body.error?.message ?? "";
    code = body.error?.code ?? "";
    param = body.error?.param ?? "";
  } catch {
    // Not JSON: a proxy's page, perhaps.
  }
  return new ApiError(response.status, message || `HTTP ${response.status}`, code, param);
}

// A response with a good status; else ApiError.
export async function request(method: string, path: string, body?: unknown, options: Options = {}): Promise<Response> {
  const response = await send(method, path, body, options);
  if (response.ok) return response;
  const error = await errorOf(response);
  // The session was renewed elsewhere (another tab logged in): fetch the new token and try once more.
  if (error.status === 403 && error.code === "csrf" && method !== "GET") {
    const session = await send("GET", "/session", undefined, {});
    if (session.ok) {
      setCsrf(((await session.json()) as Session).csrf);
      const again = await send(method, path, body, options);
      if (again.ok) return again;
      throw await errorOf(again);
    }
  }
  if (error.status === 401 && error.code !== "wrong_password") unauthorized();
  throw error;
}

async function send(method: string, path: string, body: unknown, options: Options): Promise<Response> {
  const headers: Record<string, string> = {};
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  let payload: BodyInit | undefined = options.raw;
  if (payload === undefined && body !== undefined) {
    headers["Content-Type"] = "application/json";
    payload = JSON.stringify(body);
  } else if (payload !== undefined) {
    headers["Content-Type"] = "application/octet-stream";
  }
  let response: Response;
  try {
    response = await fetch(kBase + path, {
      method,
      headers,
      body: payload,
      credentials: "same-origin",
      signal: options.signal,
      keepalive: options.keepalive,
    });
  } catch (error) {
    if (isAbort(error)) throw error;
    reachable(false);
    throw new ApiError(0, "The server does not answer.", "unreachable");
  }
  reachable(![502, 504].includes(response.status));
  return response;
}

async function json<T>(method: string, path: string, body?: unknown, options?: Options): Promise<T> {
  const response = await request(method, path, body, options);
  return (await response.json()) as T;
}

export const api = {
  get: <T>(path: string, options?: Options) => json<T>("GET", path, undefined, options),
  post: <T>(path: string, body: unknown = {}, options?: Options) => json<T>("POST", path, body, options),
  put: <T>(path: string, body: unknown, options?: Options) => json<T>("PUT", path, body, options),
  patch: <T>(path: string, body: unknown, options?: Options) => json<T>("PATCH", path, body, options),
  delete: <T = object>(path: string, options?: Options) => json<T>("DELETE", path, undefined, options),
};

// The address of something to download (`<a href download>`).
export function href(path: string): string {
  return kBase + path;
}
