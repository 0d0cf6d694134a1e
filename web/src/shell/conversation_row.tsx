import { Archive, ArchiveRestore, Braces, FileText, MoreHorizontal, Pencil, Trash2 } from "lucide-react";
import { memo, useEffect, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { href } from "@/api/client";
import type { Summary } from "@/api/types";
import { useConversationActions } from "@/chat/queries";
import { useTexts } from "@/i18n";
import { IconButton, Menu, MenuItem, MenuLink, MenuSeparator, useConfirm, useErrorText, useToast } from "@/ui";
import { texts } from "./texts";

interface Props {
  conversation: Summary;
  open: boolean; // it is the one on the page
  onOpen: () => void;
}

export const ConversationRow = memo(function ConversationRow({ conversation, open, onOpen }: Props) {
  const t = useTexts(texts);
  const say = useErrorText();
  const toast = useToast();
  const confirm = useConfirm();
  const actions = useConversationActions();
  const [, navigate] = useLocation();
  const [renaming, setRenaming] = useState(false);
  const title = conversation.title || t("untitled");
  const row = useRef<HTMLLIElement>(null);
  const byKey = useRef(false); // renaming ended by a key: the focus goes back to the row

  useEffect(() => {
    if (renaming || !byKey.current) return;
    byKey.current = false;
    row.current?.querySelector("a")?.focus();
  }, [renaming]);

  const failed = (error: unknown) => toast(say(error), { danger: true });

  const rename = (text: string) => {
    setRenaming(false);
    if (text.trim() && text.trim() !== conversation.title) actions.change(conversation.id, { title: text.trim() }).catch(failed);
  };
  const archive = () => {
    const archived = !conversation.archived;
    actions
      .change(conversation.id, { archived })
      .then(() => {
        if (open && archived) navigate("/");
        toast(t(archived ? "archivedNow" : "unarchivedNow"), {
          action: { label: t("undo"), run: () => void actions.change(conversation.id, { archived: !archived }).catch(failed) },
        });
      })
      .catch(failed);
  };
  const remove = async () => {
    if (!(await confirm({ title: t("deleteTitle"), text: t("deleteText", { title }), action: t("delete"), danger: true }))) return;
    try {
      if (open) navigate("/");
      await actions.remove(conversation.id);
      toast(t("deleted"));
    } catch (error) {
      failed(error);
    }
  };

  if (renaming)
    return (
      <li className="conversation renaming">
        <input
          className="ui-input"
          aria-label={t("renameLabel")}
          defaultValue={conversation.title}
          maxLength={200}
          autoFocus
          onFocus={(event) => event.target.select()}
          onBlur={(event) => rename(event.target.value)}
          onKeyDown={(event) => {
            if (event.nativeEvent.isComposing) return;
            if (event.key !== "Enter" && event.key !== "Escape") return;
            byKey.current = true;
            if (event.key === "Enter") rename(event.currentTarget.value);
            else setRenaming(false);
          }}
          data-testid="rename-input"
        />
      </li>
    );
  return (
    <li ref={row} className={`conversation ${open ? "open" : ""}`}>
      <Link
        href={`/c/${conversation.id}`}
        onClick={onOpen}
        aria-current={open ? "page" : undefined}
        title={title}
        data-testid="conversation"
        data-id={conversation.id}
      >
        <span className="truncate">{title}</span>
      </Link>
      <Menu
        align="end"
        trigger={(props) => (
          <IconButton label={t("more", { title })} small {...props} data-testid="conversation-menu">
            <MoreHorizontal size={16} />
          </IconButton>
        )}
      >
        <MenuItem icon={<Pencil size={16} />} onSelect={() => setTimeout(() => setRenaming(true))} testId="conversation-rename">
          {t("rename")}
        </MenuItem>
        <MenuItem
          icon={conversation.archived ? <ArchiveRestore size={16} /> : <Archive size={16} />}
          onSelect={archive}
          testId="conversation-archive"
        >
          {t(conversation.archived ? "unarchive" : "archive")}
        </MenuItem>
        <MenuLink
          download
          href={href(`/conversations/${conversation.id}/export?format=markdown`)}
          icon={<FileText size={16} />}
          testId="conversation-export-markdown"
        >
          {t("exportMarkdown")}
        </MenuLink>
        <MenuLink
          download
          href={href(`/conversations/${conversation.id}/export?format=json`)}
          icon={<Braces size={16} />}
          testId="conversation-export-json"
        >
          {t("exportJson")}
        </MenuLink>
        <MenuSeparator />
        <MenuItem icon={<Trash2 size={16} />} danger onSelect={() => void remove()} testId="conversation-delete">
          {t("delete")}
        </MenuItem>
      </Menu>
    </li>
  );
});
