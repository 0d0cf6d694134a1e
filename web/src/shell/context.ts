import { createContext, useContext } from "react";

export interface Shell {
  sidebarHidden: boolean; // closed, or a drawer on a narrow screen: pages show a button that opens it
  openSidebar: () => void;
  closeDrawer: () => void;
  openSearch: () => void;
}

export const ShellContext = createContext<Shell>({
  sidebarHidden: false,
  openSidebar() {},
  closeDrawer() {},
  openSearch() {},
});

export function useShell(): Shell {
  return useContext(ShellContext);
}
