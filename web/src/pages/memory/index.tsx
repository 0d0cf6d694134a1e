import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Brain, Download, MessageSquare, Pencil, Plus, Search, Trash2 } from "lucide-react";
import { useEffect, useRef, useState, type FormEvent, type KeyboardEvent } from "react";
import { Link } from "wouter";
import { api, ApiError, href } from "@/api/client";
import { useSession } from "@/api/session";
import type { Memory } from "@/api/types";
import { useFormats, useTexts } from "@/i18n";
import { Button, Card, Empty, ErrorBox, Field, IconButton, Input, Loading, Notice, Page, Switch, TextArea, useConfirm, useErrorText, useToast } from "@/ui";
import { checkMemory, kLongest, matches } from "./memories";
import { MemorySwitches } from "./switches";
import { texts } from "./texts";
import "./memory.css";

// Other parts of the app may keep the same answer in another form below "memories".
const kKey = ["memories", "page"];

// 409 is also what a full memory answers, in its own words.
const isSame = (error: ApiError) => error.status === 409 && error.code !== "too_many";

function useMemories() {
  return useQuery({ queryKey: kKey, queryFn: () => api.get<{ memories: Memory[] }>("/memories").then((all) => all.memories) });
}

export default function MemoryPage() {
  const t = useTexts(texts);
  const formats = useFormats();
  const client = useQueryClient();
  const confirm = useConfirm();
  const toast = useToast();
  const say = useErrorText();
  const { settings } = useSession();
  const query = useMemories();
  const [search, setSearch] = useState("");
  const memories = query.data ?? [];
  const shown = memories.filter((one) => matches(one.text, search));
  const off = memories.filter((one) => !one.enabled).length;

  const removeAll = async () => {
    const yes = await confirm({
      title: t("deleteAllTitle"),
      text: t("deleteAllText", { n: memories.length }),
      action: t("deleteAll"),
      danger: true,
    });
    if (!yes) return;
    try {
      await api.delete("/memories");
      client.setQueryData<Memory[]>(kKey, []);
    } catch (error) {
      toast(say(error), { danger: true });
    }
  };

  return (
    <Page
      title={t("title")}
      testId="page-memory"
      actions={
        memories.length > 0 && (
          <>
            <a className="ui-button ghost small" href={href("/memories/export")} download data-testid="memory-export">
              <Download size={15} /> {t("export")}
            </a>
            <Button small kind="ghost" onClick={() => void removeAll()} data-testid="memory-delete-all">
              <Trash2 size={15} /> {t("deleteAll")}
            </Button>
          </>
        )
      }
    >
      <p className="lead">{t("lead")}</p>
      <Card className="memory-switches">
        <MemorySwitches />
      </Card>
      {!settings.memory && (
        <Notice tone="warning" data-testid="memory-off">
          {t("off")}
        </Notice>
      )}
      <AddMemory />
      {query.isPending && <Loading />}
      {query.isError && <ErrorBox error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && memories.length === 0 && (
        <Empty icon={<Brain size={24} />} title={t("empty")}>
          {t("emptyText")}
        </Empty>
      )}
      {memories.length > 0 && (
        <section aria-label={t("title")}>
          <div className="row-wrap memory-head">
            <span className="small muted grow" data-testid="memory-count">
              {t("count", { n: formats.number(memories.length) })}
              {off > 0 && ` · ${t("countOff", { n: off })}`}
            </span>
            {memories.length > 5 && (
              <div className="memory-search">
                <Search size={15} aria-hidden />
                <Input
                  type="search"
                  value={search}
                  aria-label={t("search")}
                  placeholder={t("search")}
                  onChange={(event) => setSearch(event.target.value)}
                  data-testid="memory-search"
                />
              </div>
            )}
          </div>
          {shown.length === 0 ? (
            <p className="muted small">{t("noMatch", { text: search })}</p>
          ) : (
            <ul className={settings.memory ? "memories" : "memories off"} data-testid="memory-list">
              {shown.map((memory) => (
                <MemoryRow key={memory.id} memory={memory} />
              ))}
            </ul>
          )}
        </section>
      )}
      <How />
    </Page>
  );
}

function AddMemory() {
  const t = useTexts(texts);
  const say = useErrorText();
  const client = useQueryClient();
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const add = useMutation({
    mutationFn: (memory: string) => api.post<Memory>("/memories", { text: memory }),
    onSuccess: (memory) => {
      setText("");
      client.setQueryData<Memory[]>(kKey, (all) => [memory, ...(all ?? []).filter((one) => one.id !== memory.id)]);
      input.current?.focus();
    },
  });
  const problem = checkMemory(text);
  const error =
    problem === "long"
      ? t("tooLong", { n: kLongest })
      : add.error instanceof ApiError && isSame(add.error)
        ? t("same")
        : add.error && say(add.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (problem === null && !add.isPending) add.mutate(text.trim());
  };
  return (
    <form className="memory-add" onSubmit={submit}>
      <Field label={t("add")} error={error || undefined}>
        <Input
          ref={input}
          value={text}
          placeholder={t("addPlaceholder")}
          onChange={(event) => {
            setText(event.target.value);
            add.reset();
          }}
          data-testid="memory-input"
          autoComplete="off"
        />
      </Field>
      <Button kind="primary" type="submit" disabled={problem !== null || add.isPending} data-testid="memory-add">
        <Plus size={16} /> {t("addButton")}
      </Button>
    </form>
  );
}

function MemoryRow({ memory }: { memory: Memory }) {
  const t = useTexts(texts);
  const formats = useFormats();
  const client = useQueryClient();
  const toast = useToast();
  const say = useErrorText();
  const [editing, setEditing] = useState(false);
  const editButton = useRef<HTMLButtonElement>(null);

  const put = (next: Memory) =>
    client.setQueryData<Memory[]>(kKey, (all) => all?.map((one) => (one.id === next.id ? next : one)));
  const change = async (fields: Partial<Memory>) => {
    put({ ...memory, ...fields });
    try {
      put(await api.patch<Memory>(`/memories/${memory.id}`, fields));
    } catch (error) {
      put(memory);
      toast(error instanceof ApiError && isSame(error) ? t("same") : say(error), { danger: true });
    }
  };
  const remove = async () => {
    client.setQueryData<Memory[]>(kKey, (all) => all?.filter((one) => one.id !== memory.id));
    try {
      await api.delete(`/memories/${memory.id}`);
    } catch (error) {
      toast(say(error), { danger: true });
      return void client.invalidateQueries({ queryKey: kKey });
    }
    toast(t("deleted"), {
      seconds: 8,
      action: {
        label: t("undo"),
        run: async () => {
          try {
            const again = await api.post<Memory>("/memories", { text: memory.text });
            if (!memory.enabled) await api.patch(`/memories/${again.id}`, { enabled: false });
          } catch (error) {
            toast(say(error), { danger: true });
          }
          void client.invalidateQueries({ queryKey: kKey });
        },
      },
    });
  };
  const close = () => {
    setEditing(false);
    requestAnimationFrame(() => editButton.current?.focus());
  };

  return (
    <li className={memory.enabled ? "memory" : "memory off"} data-testid="memory" data-id={memory.id}>
      <Switch
        label={<span className="sr-only">{t("enabled", { text: memory.text })}</span>}
        checked={memory.enabled}
        onChange={(enabled) => void change({ enabled })}
        data-testid="memory-enabled"
      />
      {editing ? (
        <EditMemory
          memory={memory}
          onCancel={close}
          onSave={(text) => {
            close();
            if (text !== memory.text) void change({ text });
          }}
        />
      ) : (
        <>
          <div className="grow">
            <div className="text" data-testid="memory-text">
              {memory.text}
            </div>
            <div className="small muted row-wrap">
              {formats.date(memory.updated)}
              {memory.source && (
                <Link href={`/c/${memory.source}`} className="source">
                  <MessageSquare size={12} aria-hidden /> {t("source")}
                </Link>
              )}
            </div>
          </div>
          <div className="buttons">
            <IconButton small ref={editButton} label={t("edit")} onClick={() => setEditing(true)} data-testid="memory-edit">
              <Pencil size={15} />
            </IconButton>
            <IconButton small label={t("delete")} onClick={() => void remove()} data-testid="memory-delete">
              <Trash2 size={15} />
            </IconButton>
          </div>
        </>
      )}
    </li>
  );
}

function EditMemory({ memory, onCancel, onSave }: { memory: Memory; onCancel: () => void; onSave: (text: string) => void }) {
  const t = useTexts(texts);
  const [text, setText] = useState(memory.text);
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    area.current?.focus();
    area.current?.setSelectionRange(area.current.value.length, area.current.value.length);
  }, []);
  const problem = checkMemory(text);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") onCancel();
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      if (problem === null) onSave(text.trim());
    }
  };
  return (
    <div className="grow stack">
      <TextArea
        ref={area}
        rows={2}
        value={text}
        aria-label={t("editLabel")}
        aria-invalid={problem === "long"}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        data-testid="memory-edit-text"
      />
      {problem === "long" && (
        <span className="small problem" role="alert">
          {t("tooLong", { n: kLongest })}
        </span>
      )}
      <div className="row">
        <Button small kind="primary" disabled={problem !== null} onClick={() => onSave(text.trim())} data-testid="memory-save">
          {t("save")}
        </Button>
        <Button small kind="ghost" onClick={onCancel} data-testid="memory-cancel">
          {t("cancel")}
        </Button>
      </div>
    </div>
  );
}

function How() {
  const t = useTexts(texts);
  return (
    <details className="memory-how" data-testid="memory-how">
      <summary>{t("how")}</summary>
      <div className="stack small">
        <p>{t("howSaved")}</p>
        <p>{t("howUsed")}</p>
        <p>{t("howWhere")}</p>
      </div>
    </details>
  );
}
