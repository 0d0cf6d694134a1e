import { act, renderHook, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "@/api/client";
import { problemOf, reduce, useUploads } from "./uploads";

const refuse = (status: number, code = "") =>
  Response.json({ error: { message: "no", type: "invalid_request_error", param: null, code } }, { status });

afterEach(() => vi.unstubAllGlobals());

describe("uploads", () => {
  it("go one after another; one that fails does not hold up the next", async () => {
    const names: string[] = [];
    let open = 0;
    let most = 0;
    vi.stubGlobal("fetch", async (url: string) => {
      most = Math.max(most, ++open);
      await new Promise((done) => setTimeout(done, 5));
      open--;
      names.push(decodeURIComponent(url.split("name=")[1]!));
      return names.length === 2 ? refuse(415) : Response.json({ id: names.at(-1) }, { status: 201 });
    });
    const done = vi.fn();
    const { result } = renderHook(() => useUploads(done));
    act(() => result.current.add(["a.txt", "b & ü.bin", "c.txt"].map((name) => new File(["x"], name))));
    await waitFor(() => expect(names).toHaveLength(3));
    await waitFor(() => expect(result.current.uploads).toHaveLength(1));
    expect(names).toEqual(["a.txt", "b & ü.bin", "c.txt"]);
    expect(most).toBe(1);
    expect(done).toHaveBeenCalledTimes(2);
    expect(result.current.uploads[0]).toMatchObject({ state: "failed", problem: "notText" });
    act(() => result.current.again(result.current.uploads[0]!.id));
    await waitFor(() => expect(result.current.uploads).toHaveLength(0));
  });

  it("do not send empty files", () => {
    const fetch = vi.fn();
    vi.stubGlobal("fetch", fetch);
    const { result } = renderHook(() => useUploads(() => {}));
    act(() => result.current.add([new File([], "empty.txt")]));
    expect(result.current.uploads[0]).toMatchObject({ state: "failed", problem: "empty" });
    act(() => result.current.remove(result.current.uploads[0]!.id));
    expect(result.current.uploads).toEqual([]);
    expect(fetch).not.toHaveBeenCalled();
  });

  it("know the server's reasons", () => {
    expect([415, 422, 413, 409, 500].map((status) => problemOf(new ApiError(status, "")))).toEqual([
      "notText",
      "noText",
      "tooLarge",
      "many",
      null,
    ]);
    expect(problemOf(new Error("x"))).toBeNull();
  });

  it("leave others alone", () => {
    const upload = { id: 1, file: new File([], "a"), state: "waiting" as const, problem: null, error: null };
    expect(reduce([upload], { type: "gone", id: 2 })).toEqual([upload]);
  });
});
