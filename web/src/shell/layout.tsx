import type { ReactNode } from "react";

export function ShellLayout({ children }: { children: ReactNode }) {
  return <div>{children}</div>;
}
