import { useQuery, useQueryClient } from "@tanstack/react-query";
import { BookOpen, FileText, FileType2, FolderOpen, RotateCw, Search, Trash2, UploadCloud, X } from "lucide-react";
import { useRef, useState, type DragEvent } from "react";
import { api } from "@/api/client";
import type { Document } from "@/api/types";
import { useFormats, useTexts } from "@/i18n";
import { Badge, Button, Empty, ErrorBox, IconButton, Input, Loading, Page, Spinner, useConfirm, useErrorText, useToast } from "@/ui";
import { PassagesDialog } from "./passages";
import { texts } from "./texts";
import { useUploads, type Upload } from "./uploads";
import "./files.css";

const kKey = ["documents", "page"];

export default function FilesPage() {
  const t = useTexts(texts);
  const client = useQueryClient();
  const query = useQuery({
    queryKey: kKey,
    queryFn: () => api.get<{ documents: Document[] }>("/documents").then((all) => all.documents),
  });
  const { uploads, add, remove, again } = useUploads(() => void client.invalidateQueries({ queryKey: ["documents"] }));
  const [open, setOpen] = useState<Document | null>(null);
  const [search, setSearch] = useState("");
  const [dragging, setDragging] = useState(false);
  const depth = useRef(0); // dragenter and dragleave also come from children
  const input = useRef<HTMLInputElement>(null);
  const documents = query.data ?? [];
  const shown = documents.filter((one) => one.name.toLowerCase().includes(search.trim().toLowerCase()));

  const hasFiles = (event: DragEvent) => event.dataTransfer.types.includes("Files");
  const choose = () => input.current?.click();

  return (
    <Page
      title={t("title")}
      testId="page-files"
      actions={
        <Button kind="primary" small onClick={choose} data-testid="files-upload">
          <UploadCloud size={16} /> {t("upload")}
        </Button>
      }
    >
      <div
        className="files"
        onDragEnter={(event) => {
          if (!hasFiles(event)) return;
          event.preventDefault();
          depth.current++;
          setDragging(true);
        }}
        onDragOver={(event) => {
          if (hasFiles(event)) event.preventDefault();
        }}
        onDragLeave={(event) => {
          if (!hasFiles(event)) return;
          depth.current = Math.max(0, depth.current - 1);
          if (depth.current === 0) setDragging(false);
        }}
        onDrop={(event) => {
          if (!hasFiles(event)) return;
          event.preventDefault();
          depth.current = 0;
          setDragging(false);
          add(event.dataTransfer.files);
        }}
      >
        <p className="lead">{t("lead")}</p>
        <input
          ref={input}
          type="file"
          multiple
          hidden
          data-testid="files-input"
          onChange={(event) => {
            add(event.target.files ?? []);
            event.target.value = "";
          }}
        />
        <button type="button" className={dragging ? "drop now" : "drop"} onClick={choose} data-testid="files-drop">
          <UploadCloud size={26} aria-hidden />
          <strong>{dragging ? t("dropNow") : t("drop")}</strong>
          <span className="small muted">{t("dropHint")}</span>
        </button>

        {uploads.length > 0 && (
          <ul className="uploads" aria-live="polite" data-testid="uploads">
            {uploads.map((upload) => (
              <UploadRow key={upload.id} upload={upload} onRemove={() => remove(upload.id)} onAgain={() => again(upload.id)} />
            ))}
          </ul>
        )}

        {query.isPending && <Loading />}
        {query.isError && <ErrorBox error={query.error} onRetry={() => void query.refetch()} />}
        {query.isSuccess && documents.length === 0 && uploads.length === 0 && (
          <Empty icon={<FolderOpen size={24} />} title={t("none")}>
            {t("noneText")}
          </Empty>
        )}
        {documents.length > 0 && (
          <section aria-label={t("title")}>
            <div className="row-wrap files-head">
              <span className="small muted grow" data-testid="files-count">
                {t("count", { n: documents.length })}
              </span>
              {documents.length > 8 && (
                <div className="files-search">
                  <Search size={15} aria-hidden />
                  <Input
                    type="search"
                    value={search}
                    aria-label={t("search")}
                    placeholder={t("search")}
                    onChange={(event) => setSearch(event.target.value)}
                    data-testid="files-search"
                  />
                </div>
              )}
            </div>
            {shown.length === 0 ? (
              <p className="small muted">{t("noMatch", { text: search })}</p>
            ) : (
              <ul className="file-list" data-testid="files-list">
                {shown.map((document) => (
                  <FileRow key={document.id} document={document} onOpen={() => setOpen(document)} />
                ))}
              </ul>
            )}
          </section>
        )}
      </div>
      {open && <PassagesDialog document={open} onClose={() => setOpen(null)} />}
    </Page>
  );
}

function FileRow({ document, onOpen }: { document: Document; onOpen: () => void }) {
  const t = useTexts(texts);
  const formats = useFormats();
  const client = useQueryClient();
  const confirm = useConfirm();
  const toast = useToast();
  const say = useErrorText();
  const remove = async () => {
    const { name } = document;
    if (!(await confirm({ title: t("deleteTitle", { name }), text: t("deleteText"), action: t("delete"), danger: true }))) return;
    try {
      await api.delete(`/documents/${document.id}`);
      toast(t("deleted", { name }));
    } catch (error) {
      toast(say(error), { danger: true });
    }
    void client.invalidateQueries({ queryKey: ["documents"] });
  };
  const Icon = document.kind === "pdf" ? FileType2 : FileText;
  return (
    <li className="file" data-testid="file" data-id={document.id}>
      <span className={`icon ${document.kind}`}>
        <Icon size={18} aria-hidden />
      </span>
      <div className="grow">
        <button type="button" className="name truncate" onClick={onOpen} aria-label={t("openOf", { name: document.name })} data-testid="file-open">
          {document.name}
        </button>
        <div className="small muted row-wrap facts">
          <Badge>{t(document.kind)}</Badge>
          <span>{formats.bytes(document.bytes)}</span>
          <span data-testid="file-passages">{t("passageCount", { n: document.passages })}</span>
          <span className="wide-only">{formats.date(document.created)}</span>
        </div>
      </div>
      <IconButton label={t("openOf", { name: document.name })} onClick={onOpen} className="wide-only">
        <BookOpen size={17} />
      </IconButton>
      <IconButton label={t("deleteOf", { name: document.name })} onClick={() => void remove()} data-testid="file-delete">
        <Trash2 size={17} />
      </IconButton>
    </li>
  );
}

function UploadRow({ upload, onRemove, onAgain }: { upload: Upload; onRemove: () => void; onAgain: () => void }) {
  const t = useTexts(texts);
  const say = useErrorText();
  const { name } = upload.file;
  const failed = upload.state === "failed";
  return (
    <li className={failed ? "upload failed" : "upload"} data-testid="upload">
      {upload.state === "sending" && <Spinner />}
      <div className="grow">
        <div className="truncate">{t(failed ? "failed" : upload.state === "sending" ? "uploading" : "waiting", { name })}</div>
        {failed && (
          <div className="small" data-testid="upload-error">
            {upload.problem ? t(upload.problem) : say(upload.error)}
          </div>
        )}
      </div>
      {failed && upload.problem === null && (
        <Button small onClick={onAgain} data-testid="upload-retry">
          <RotateCw size={14} /> {t("retry")}
        </Button>
      )}
      <IconButton small label={failed ? t("dismiss") : t("cancel")} onClick={onRemove} data-testid="upload-remove">
        <X size={16} />
      </IconButton>
    </li>
  );
}
