import { createEvent, fireEvent, render } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { sends } from "./keys";

// What a key press in a text field says, with the browser's own events.
function press(init: KeyboardEventInit & { keyCode?: number; isComposing?: boolean }, withEnter = true, touch = false): boolean {
  let answer = false;
  const { container } = render(<textarea onKeyDown={(event) => (answer = sends(event, withEnter, touch))} />);
  const field = container.querySelector("textarea")!;
  fireEvent(field, createEvent.keyDown(field, { key: "Enter", keyCode: 13, ...init }));
  return answer;
}

describe("Enter", () => {
  it("sends", () => expect(press({})).toBe(true));
  it("makes a new line with Shift or Alt", () => {
    expect(press({ shiftKey: true })).toBe(false);
    expect(press({ altKey: true })).toBe(false);
  });
  it("chooses a candidate while an input method composes", () => {
    expect(press({ isComposing: true })).toBe(false);
    expect(press({ isComposing: true, ctrlKey: true })).toBe(false);
  });
  it("ends a composition in Safari, which says so by 229 only", () => {
    expect(press({ isComposing: false, keyCode: 229 })).toBe(false);
  });
  it("makes a new line on touch screens, and where the settings say so", () => {
    expect(press({}, true, true)).toBe(false);
    expect(press({}, false)).toBe(false);
    expect(press({ ctrlKey: true }, false)).toBe(true);
    expect(press({ metaKey: true }, false)).toBe(true);
  });
  it("is no other key", () => expect(press({ key: "a" })).toBe(false));
});
