// Answers as Markdown. What a model or an imported file says is text, never HTML: raw HTML is shown as it is written, links go to http, https
// and mailto only, and pictures are links, since loading one would tell its host who reads.
import type { Element, ElementContent } from "hast";
import { createContext, memo, useContext, useDeferredValue, useMemo, useState, type ReactElement, type ReactNode } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import rehypeSanitize, { defaultSchema } from "rehype-sanitize";
import remarkGfm from "remark-gfm";
import remarkMath from "remark-math";
import type { Citation } from "@/api/types";
import { useTexts } from "@/i18n";
import { Reader, wholePiece, type Block, type Piece } from "./blocks";
import { CodeBlock } from "./code_block";
import { join, takeApart, type Parsed } from "./joined";
import { useMath } from "./math";
import { remarkPlain } from "./remark_plain";
import { kCitationTag, rehypeCitations } from "./rehype_citations";
import { texts } from "./texts";
import "./markdown.css";

const kSchema = {
  ...defaultSchema,
  tagNames: (defaultSchema.tagNames ?? []).filter((name) => name !== "picture" && name !== "source"),
  attributes: {
    ...defaultSchema.attributes,
    code: [["className", /^language-./, "math-inline", "math-display"]] as [string, ...(string | RegExp)[]][],
  },
  protocols: { href: ["http", "https", "mailto"], src: ["http", "https"] },
};

// What a link may lead to: an absolute address of one of three kinds, or a footnote of this page.
export function safeUrl(url: string): string {
  if (/^#[\w-]+$/.test(url)) return url;
  return /^(?:https?:\/\/|mailto:)/i.test(url.trim()) ? url.trim() : "";
}

interface CitationContext {
  citations: readonly Citation[];
  open: (citation: Citation) => void;
}

const Citations = createContext<CitationContext>({ citations: [], open() {} });
const Live = createContext(false);

function textOf(node: ElementContent): string {
  if (node.type === "text") return node.value;
  return node.type === "element" ? node.children.map(textOf).join("") : "";
}

function CitationChip({ number }: { number: number }) {
  const t = useTexts(texts);
  const { citations, open } = useContext(Citations);
  const citation = citations.find((one) => one.number === number);
  if (!citation) return <>[{number}]</>;
  const label = t("citation", { n: number, name: citation.name });
  return (
    <button type="button" className="md-citation" onClick={() => open(citation)} aria-label={label} title={citation.name} data-testid="citation">
      {number}
    </button>
  );
}

function RemoteImage({ src, alt }: { src: string; alt: string }) {
  const t = useTexts(texts);
  const label = alt ? t("image", { alt }) : t("imageNoAlt");
  if (!src) return <span className="md-image">{label}</span>;
  return (
    <a className="md-image" href={src} target="_blank" rel="noopener noreferrer nofollow" title={src}>
      {label}
    </a>
  );
}

function Pre({ node }: { node?: Element }) {
  const live = useContext(Live);
  const codes = node?.children.filter((child) => child.type === "element" && child.tagName === "code") as Element[] | undefined;
  const classes = codes?.[0]?.properties.className;
  const name = Array.isArray(classes) ? classes.map(String).find((one) => one.startsWith("language-")) : undefined;
  return <CodeBlock parts={codes?.map(textOf) ?? []} language={name?.slice(9) ?? ""} live={live} />;
}

// Room for the longest number: a list may begin anywhere.
function OrderedList({ node, start, children }: { node?: Element; start?: number; children?: ReactNode }) {
  const count = node?.children.filter((child) => child.type === "element" && child.tagName === "li").length ?? 0;
  const digits = String((start ?? 1) + count).length;
  return (
    <ol start={start} style={digits > 2 ? { paddingInlineStart: `${digits + 1.2}ch` } : undefined}>
      {children}
    </ol>
  );
}

function CheckBox({ checked }: { checked?: boolean }) {
  const t = useTexts(texts);
  return <input type="checkbox" checked={checked ?? false} disabled readOnly aria-label={checked ? t("done") : t("toDo")} />;
}

const kComponents: Components = {
  a: ({ href, children }) =>
    !href ? (
      <span>{children}</span>
    ) : href.startsWith("#") ? (
      <span className="md-reference">{children}</span>
    ) : (
      <a href={href} target="_blank" rel="noopener noreferrer nofollow">
        {children}
      </a>
    ),
  img: ({ src, alt }) => <RemoteImage src={typeof src === "string" ? src : ""} alt={alt ?? ""} />,
  pre: ({ node }) => <Pre node={node} />,
  ol: ({ node, start, children }) => (
    <OrderedList node={node} start={start}>
      {children}
    </OrderedList>
  ),
  table: ({ children }) => (
    <div className="md-table" tabIndex={0}>
      <table>{children}</table>
    </div>
  ),
  input: ({ checked }) => <CheckBox checked={checked} />,
  ...({
    [kCitationTag]: ({ node }: { node?: Element }) => <CitationChip number={Number(node?.properties.dataNumber)} />,
  } as object),
};

const kRemark = [remarkGfm, remarkMath, remarkPlain];

const samePieces = (a: readonly Piece[], b: readonly Piece[]) => a.length === b.length && a.every((piece, index) => piece === b[index]);

export const BlockView = memo(
  function BlockView({ block, live, numbers }: { block: Block; live: boolean; numbers: string }) {
    const katex = useMath(block.pieces.some((piece) => piece.math));
    const rehype = useMemo(
      () => [
        [rehypeSanitize, kSchema] as [typeof rehypeSanitize, typeof kSchema],
        rehypeCitations(new Set(numbers ? numbers.split(",").map(Number) : [])),
      ],
      [numbers],
    );
    const parsed = useMemo(() => new WeakMap<Piece, Parsed>(), [rehype, katex]);
    // Called, not rendered: it uses no hooks, and its elements have to be seen to be joined.
    const parse = ({ text, math }: Piece): ReactElement =>
      ReactMarkdown({
        children: text,
        remarkPlugins: kRemark,
        rehypePlugins: math && katex ? [...rehype, ...katex] : rehype,
        urlTransform: safeUrl,
        components: kComponents,
      });
    const parsePiece = (piece: Piece, index: number) => {
      const known = parsed.get(piece) ?? takeApart(parse(piece), index, piece.gap);
      parsed.set(piece, known);
      return known;
    };
    const { nodes, exact } = join(block.pieces.map(parsePiece));
    return <Live.Provider value={live}>{exact || live ? nodes : parse(wholePiece(block.text))}</Live.Provider>;
  },
  (a, b) => samePieces(a.block.pieces, b.block.pieces) && a.live === b.live && a.numbers === b.numbers,
);

const kNoCitations: readonly Citation[] = [];

interface MarkdownProps {
  text: string;
  live?: boolean; // it still grows
  citations?: readonly Citation[];
  onCitation?: (citation: Citation) => void;
}

export const Markdown = memo(function Markdown({ text, live = false, citations = kNoCitations, onCitation }: MarkdownProps) {
  // What was cut at a bad place while it grew is parsed again when there is time.
  const growing = useDeferredValue(live);
  const [reader] = useState(() => new Reader());
  const blocks = useMemo(() => reader.read(text, growing), [reader, text, growing]);
  const numbers = citations.map((one) => one.number).join(",");
  const context = useMemo(() => ({ citations, open: onCitation ?? (() => {}) }), [citations, onCitation]);
  return (
    <Citations.Provider value={context}>
      <div className={`md ${live ? "live" : ""}`}>
        {blocks.map((block, index) => (
          <BlockView key={index} block={block} live={growing && index === blocks.length - 1} numbers={numbers} />
        ))}
      </div>
    </Citations.Provider>
  );
});
