import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Copy, MessageSquarePlus, MoreHorizontal, Pencil, Plus, Search, Trash2 } from "lucide-react";
import { useState, type FormEvent } from "react";
import { useLocation } from "wouter";
import { api } from "@/api/client";
import type { Conversation, Preset } from "@/api/types";
import { useLanguage, useTexts } from "@/i18n";
import {
  Badge,
  Button,
  Dialog,
  ErrorBox,
  Field,
  IconButton,
  Input,
  Loading,
  Menu,
  MenuItem,
  Page,
  Segmented,
  TextArea,
  useConfirm,
  useErrorText,
  useToast,
} from "@/ui";
import { texts as paramTexts } from "../params/texts";
import { PresetEditor } from "./editor";
import { fill, findPresets, needsText } from "./presets";
import { texts } from "./texts";
import "./presets.css";

const kKey = ["presets", "page"];

type Editing = { preset?: Preset; start: Partial<Preset> };

export default function PresetsPage() {
  const t = useTexts(texts);
  const mine = useLanguage();
  const query = useQuery({ queryKey: kKey, queryFn: () => api.get<{ presets: Preset[] }>("/presets").then((all) => all.presets) });
  const [search, setSearch] = useState("");
  const [language, setLanguage] = useState<"all" | "en" | "zh">(mine);
  const [editing, setEditing] = useState<Editing | null>(null);
  const [filling, setFilling] = useState<Preset | null>(null);
  const start = useStart();
  const shown = findPresets(query.data ?? [], search, language === "all" ? "" : language);
  const own = shown.filter((preset) => !preset.builtin);
  const builtin = shown.filter((preset) => preset.builtin);

  const card = (preset: Preset) => (
    <PresetCard
      key={preset.id}
      preset={preset}
      onUse={() => (needsText(preset) ? setFilling(preset) : void start(preset, ""))}
      onEdit={() => setEditing({ preset, start: preset })}
      onDuplicate={() => setEditing({ start: { ...preset, title: t("copyOf", { title: preset.title }) } })}
    />
  );
  return (
    <Page
      title={t("title")}
      testId="page-presets"
      actions={
        <Button kind="primary" small onClick={() => setEditing({ start: { language: mine } })} data-testid="preset-new">
          <Plus size={16} /> {t("new")}
        </Button>
      }
    >
      <p className="lead">{t("lead")}</p>
      <div className="row-wrap">
        <div className="preset-search">
          <Search size={15} aria-hidden />
          <Input
            type="search"
            value={search}
            aria-label={t("search")}
            placeholder={t("search")}
            onChange={(event) => setSearch(event.target.value)}
            data-testid="preset-search"
          />
        </div>
        <Segmented
          label={t("language")}
          value={language}
          onChange={setLanguage}
          options={[
            { value: "all", label: t("all") },
            { value: "en", label: t("en") },
            { value: "zh", label: t("zh") },
          ]}
          testId="preset-language"
        />
      </div>
      {query.isPending && <Loading />}
      {query.isError && <ErrorBox error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && (
        <>
          <section className="stack" aria-labelledby="presets-mine">
            <h2 className="preset-heading" id="presets-mine">
              {t("mine")}
            </h2>
            {own.length > 0 ? (
              <div className="preset-grid">{own.map(card)}</div>
            ) : (
              <p className="small muted">{search ? t("noMatch", { text: search }) : t("noneMine")}</p>
            )}
          </section>
          {builtin.length > 0 && (
            <section className="stack" aria-labelledby="presets-builtin">
              <h2 className="preset-heading" id="presets-builtin">
                {t("builtin")}
              </h2>
              <div className="preset-grid">{builtin.map(card)}</div>
            </section>
          )}
        </>
      )}
      {editing && <PresetEditor preset={editing.preset} start={editing.start} onClose={() => setEditing(null)} />}
      {filling && (
        <FillDialog
          preset={filling}
          onClose={() => setFilling(null)}
          onStart={(text) => {
            setFilling(null);
            void start(filling, text);
          }}
        />
      )}
    </Page>
  );
}

// Begins a chat with a preset, the text in its draft, and goes there.
function useStart() {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const toast = useToast();
  const say = useErrorText();
  return async (preset: Preset, text: string) => {
    try {
      const { id } = await api.post<Conversation>("/conversations", { system: preset.system, params: preset.params });
      const draft = needsText(preset) ? fill(preset.template, text) : preset.template;
      if (draft !== "") await api.put(`/conversations/${id}/draft`, { text: draft });
      void client.invalidateQueries({ queryKey: ["conversations"] });
      navigate(`/c/${id}`);
    } catch (error) {
      toast(say(error), { danger: true });
    }
  };
}

interface CardProps {
  preset: Preset;
  onUse: () => void;
  onEdit: () => void;
  onDuplicate: () => void;
}

function PresetCard({ preset, onUse, onEdit, onDuplicate }: CardProps) {
  const t = useTexts(texts);
  const tp = useTexts(paramTexts);
  const client = useQueryClient();
  const confirm = useConfirm();
  const toast = useToast();
  const say = useErrorText();
  const { title } = preset;
  const remove = async () => {
    if (!(await confirm({ title: t("deleteTitle", { title }), text: t("deleteText"), action: t("delete"), danger: true }))) return;
    try {
      await api.delete(`/presets/${preset.id}`);
      toast(t("deleted"));
    } catch (error) {
      toast(say(error), { danger: true });
    }
    void client.invalidateQueries({ queryKey: ["presets"] });
  };
  return (
    <article className="preset" data-testid="preset" data-id={preset.id} data-builtin={preset.builtin}>
      <div className="row">
        <h3 className="grow">{title}</h3>
        <Menu
          align="end"
          testId="preset-menu"
          trigger={(props) => (
            <IconButton small label={t("more", { title })} {...props} data-testid="preset-more">
              <MoreHorizontal size={17} />
            </IconButton>
          )}
        >
          {!preset.builtin && (
            <MenuItem icon={<Pencil size={15} />} onSelect={onEdit} testId="preset-edit">
              {t("edit")}
            </MenuItem>
          )}
          <MenuItem icon={<Copy size={15} />} onSelect={onDuplicate} testId="preset-duplicate">
            {t("duplicate")}
          </MenuItem>
          {!preset.builtin && (
            <MenuItem icon={<Trash2 size={15} />} danger onSelect={() => void remove()} testId="preset-delete">
              {t("delete")}
            </MenuItem>
          )}
        </Menu>
      </div>
      <p className="excerpt">{[preset.system, preset.template].filter(Boolean).join("\n").replace(/\n+/g, "\n")}</p>
      <div className="row foot">
        <div className="grow row-wrap badges">
          {preset.params.temperature !== undefined && (
            <Badge>
              {tp("temperature")} {preset.params.temperature}
            </Badge>
          )}
          {preset.params.max_tokens !== undefined && (
            <Badge>
              {tp("max_tokens")} {preset.params.max_tokens}
            </Badge>
          )}
        </div>
        <Button small onClick={onUse} aria-label={t("useOf", { title })} data-testid="preset-use">
          <MessageSquarePlus size={15} /> {t("use")}
        </Button>
      </div>
    </article>
  );
}

function FillDialog({ preset, onClose, onStart }: { preset: Preset; onClose: () => void; onStart: (text: string) => void }) {
  const t = useTexts(texts);
  const [text, setText] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onStart(text);
  };
  return (
    <Dialog
      title={t("fillTitle", { title: preset.title })}
      wide
      onClose={onClose}
      testId="preset-fill"
      footer={
        <>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" type="submit" form="preset-fill-form" data-testid="preset-start">
            {t("start")}
          </Button>
        </>
      }
    >
      <form id="preset-fill-form" className="stack" onSubmit={submit}>
        <Field label={t("fillLabel")} hint={t("fillHint")}>
          <TextArea
            rows={5}
            autoFocus
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) onStart(text);
            }}
            data-testid="preset-text"
          />
        </Field>
        <div>
          <div className="small muted">{t("preview")}</div>
          <div className="preset-preview" data-testid="preset-preview">
            {fill(preset.template, text || "…")}
          </div>
        </div>
      </form>
    </Dialog>
  );
}
