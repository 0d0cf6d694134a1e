import { Fragment } from "react";

// What was found, with the matches (between U+E000 and U+E001) marked.
export function Snippet({ text }: { text: string }) {
  const parts = text.split(/\uE000([^\uE001]*)\uE001?/);
  return (
    <>
      {parts.map((part, index) => (
        <Fragment key={index}>{index % 2 ? <mark>{part}</mark> : part.replace(/[\uE000\uE001]/g, "")}</Fragment>
      ))}
    </>
  );
}
