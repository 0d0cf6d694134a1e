import type { KeyboardEvent } from "react";

// Whether a key press sends the text. While an input method composes (Chinese, Japanese, …), Enter chooses a candidate: browsers
// say so by isComposing or, Safari after the composition has ended, by the key code 229.
export function sends(event: KeyboardEvent, withEnter: boolean, touch = false): boolean {
  if (event.key !== "Enter" || event.nativeEvent.isComposing || event.keyCode === 229) return false;
  if (event.ctrlKey || event.metaKey) return true;
  return withEnter && !touch && !event.shiftKey && !event.altKey;
}

// A phone's Enter is for new lines: there is no Shift to hold.
export function isTouch(): boolean {
  return window.matchMedia("(hover: none) and (pointer: coarse)").matches;
}
