import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

// Machines are slow at times.
configure({ asyncUtilTimeout: 5000 });
afterEach(cleanup);

// What jsdom lacks.
if (!("scrollTo" in Element.prototype)) Object.assign(Element.prototype, { scrollTo() {} });
Element.prototype.scrollIntoView ??= function scrollIntoView() {};
HTMLDialogElement.prototype.showModal ??= function showModal(this: HTMLDialogElement) {
  this.open = true;
};
HTMLDialogElement.prototype.close ??= function close(this: HTMLDialogElement) {
  this.open = false;
  this.dispatchEvent(new Event("close"));
};
window.matchMedia ??= (query: string) =>
  ({ matches: false, media: query, addEventListener() {}, removeEventListener() {} }) as unknown as MediaQueryList;
globalThis.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
} as unknown as typeof ResizeObserver;
