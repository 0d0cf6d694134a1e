import { describe, expect, it } from "vitest";
import { checkName, checkNewPassword, checkPasswordChange, invitationIn, invitationLink, readQuota } from "./validate";

describe("names and passwords", () => {
  it("names", () => {
    expect(checkName("  ")).toBe("nameMissing");
    expect(checkName("林")).toBeNull();
    expect(checkName("x".repeat(65))).toBe("nameLong");
  });

  it("new passwords", () => {
    expect(checkNewPassword("", "")).toBe("passwordMissing");
    expect(checkNewPassword("1234567", "1234567")).toBe("passwordShort");
    expect(checkNewPassword("😀😀😀😀", "😀😀😀😀")).toBe("passwordShort");
    expect(checkNewPassword("12345678", "1234567 ")).toBe("passwordDifferent");
    expect(checkNewPassword("一二三四五六七八", "一二三四五六七八")).toBeNull();
  });

  it("changes", () => {
    expect(checkPasswordChange({ old: "", fresh: "a", again: "b" })).toEqual({
      old: "passwordOld",
      fresh: "passwordShort",
      again: "passwordDifferent",
    });
    expect(checkPasswordChange({ old: "12345678", fresh: "12345678", again: "12345678" })).toEqual({ fresh: "passwordSame" });
    expect(checkPasswordChange({ old: "x", fresh: "12345678", again: "12345678" })).toEqual({});
  });
});

describe("quotas", () => {
  it.each([
    ["", 0],
    [" 0 ", 0],
    ["20000", 20000],
    ["-1", undefined],
    ["1e5", undefined],
    ["2.5", undefined],
    ["9".repeat(16), undefined],
  ])("%j", (text, quota) => expect(readQuota(text)).toBe(quota));
});

describe("invitations", () => {
  it("go into a link and come out of it", () => {
    const link = invitationLink("https://example.org", "a/b+c=&d");
    expect(invitationIn(new URL(link).search)).toBe("a/b+c=&d");
    expect(invitationIn("")).toBe("");
    expect(invitationIn("?x=1")).toBe("");
  });
});
