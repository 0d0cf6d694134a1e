// What is wrong with names and passwords, before the server is asked.
export const kShortestPassword = 8;
export const kLongestName = 64;

export type NameProblem = "nameMissing" | "nameLong";
export type PasswordProblem = "passwordMissing" | "passwordShort" | "passwordDifferent";

export function checkName(name: string): NameProblem | null {
  const trimmed = name.trim();
  if (trimmed === "") return "nameMissing";
  return [...trimmed].length > kLongestName ? "nameLong" : null;
}

// A new password, typed twice. Characters are counted as people do: an emoji is one.
export function checkNewPassword(password: string, again: string): PasswordProblem | null {
  if (password === "") return "passwordMissing";
  if ([...password].length < kShortestPassword) return "passwordShort";
  return password === again ? null : "passwordDifferent";
}

export interface PasswordChange {
  old: string;
  fresh: string;
  again: string;
}

export type ChangeProblem = "passwordOld" | "passwordShort" | "passwordSame" | "passwordDifferent";

// For each field the first thing that is wrong with it.
export function checkPasswordChange({ old, fresh, again }: PasswordChange): Partial<Record<keyof PasswordChange, ChangeProblem>> {
  const problems: Partial<Record<keyof PasswordChange, ChangeProblem>> = {};
  if (old === "") problems.old = "passwordOld";
  if ([...fresh].length < kShortestPassword) problems.fresh = "passwordShort";
  else if (fresh === old) problems.fresh = "passwordSame";
  if (fresh !== again) problems.again = "passwordDifferent";
  return problems;
}

// "" and 0 mean no quota; undefined: no number that could be one.
export function readQuota(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return 0;
  if (!/^\d{1,15}$/.test(trimmed)) return undefined;
  return Number(trimmed);
}

// The link that an invited person opens.
export function invitationLink(origin: string, code: string): string {
  return `${origin}/signup?invitation=${encodeURIComponent(code)}`;
}

export function invitationIn(search: string): string {
  return new URLSearchParams(search).get("invitation")?.trim() ?? "";
}
