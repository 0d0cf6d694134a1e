// One conversation on the page: what is shown, what can be done with it.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { ApiError } from "@/api/client";
import { useSession } from "@/api/session";
import type { Conversation, Message, Params } from "@/api/types";
import { followLive, unfollowLive } from "@/chat/live";
import { useConversation, useConversationActions, type NewChat } from "@/chat/queries";
import { branchTo, leafThrough, makeTree, pairOf, siblings, type Tree } from "@/chat/tree";
import { useTexts } from "@/i18n";
import { useErrorText, useToast } from "@/ui";
import { texts } from "./texts";

export interface Outgoing {
  content: string;
  documents: { id: string; name: string }[];
  answers: 1 | 2;
}

export interface SendProblem {
  error: unknown;
  outgoing: Outgoing;
}

const kNone: Conversation["messages"] = [];

export function useChat(id: string | null) {
  const t = useTexts(texts);
  const say = useErrorText();
  const toast = useToast();
  const [, navigate] = useLocation();
  const { models, settings } = useSession();
  const actions = useConversationActions();
  const query = useConversation(id);
  const conversation = query.data;
  const [chosen, setChosen] = useState<NewChat>({}); // of a chat that does not exist yet
  const [pending, setPending] = useState<(Outgoing & { parent: string | null }) | null>(null);
  const [problem, setProblem] = useState<SendProblem | null>(null);
  const [announcement, setAnnouncement] = useState("");

  // Models nobody taught to chat continue a written conversation: better than nothing to talk to.
  const chatModels = useMemo(() => {
    const taught = models.filter((one) => one.chat);
    return taught.length > 0 ? taught : models;
  }, [models]);
  const standard = chatModels.find((one) => one.id === settings.model)?.id ?? chatModels[0]?.id ?? "";
  const model = (id ? conversation?.model : chosen.model) || standard;

  const tree: Tree = useMemo(() => makeTree(conversation?.messages ?? kNone), [conversation?.messages]);
  const branch = useMemo(() => branchTo(tree, conversation?.leaf ?? null), [tree, conversation?.leaf]);
  const last = branch.at(-1);
  const pair = useMemo(() => (last ? pairOf(tree, last) : null), [tree, last]);

  const failed = useCallback((error: unknown) => toast(say(error), { danger: true }), [toast, say]);

  // Follows every answer of this conversation that is being written, also those on branches that are not shown.
  const streaming = useMemo(
    () => (conversation?.messages ?? kNone).filter((message) => message.status === "streaming"),
    [conversation?.messages],
  );
  const followed = useRef(new Set<string>());
  useEffect(() => {
    for (const message of streaming) {
      followed.current.add(message.id);
      followLive(message, {
        onDone: (done) => {
          actions.setMessage(done);
          followed.current.delete(done.id);
          actions.refreshLists();
          // It has a title now, or a summary of older turns.
          actions.refresh(done.conversation);
          const words = done.content.length < 1200 ? done.content : "";
          setAnnouncement(words ? t("finished", { text: words }) : t("finishedLong"));
        },
        onFailed: (error) => {
          failed(error);
          actions.refresh(message.conversation);
        },
      });
    }
  }, [streaming, actions, failed, t]);
  useEffect(() => {
    const ids = followed.current;
    return () => {
      for (const one of ids) unfollowLive(one);
      ids.clear();
    };
  }, [id]);

  const send = useCallback(
    async (outgoing: Outgoing, parent: string | null) => {
      setProblem(null);
      setPending({ ...outgoing, parent });
      setAnnouncement(t("started"));
      let made: Conversation | null = null;
      try {
        if (!id) made = await actions.create({ model, ...chosen });
        const target = id ?? made!.id;
        await actions.send(target, {
          parent,
          content: outgoing.content,
          documents: outgoing.documents.map((one) => one.id),
          answers: outgoing.answers,
        });
        if (made) {
          setChosen({});
          navigate(`/c/${made.id}`, { replace: false });
        }
        return true;
      } catch (error) {
        // A chat that was made for a message that did not get through is not worth keeping.
        if (made) actions.remove(made.id).catch(() => {});
        setProblem({ error, outgoing });
        return false;
      } finally {
        setPending(null);
      }
    },
    [id, model, chosen, actions, navigate, t],
  );

  const stop = useCallback(() => {
    for (const message of streaming)
      actions
        .stop(message.id)
        .then((stopped) => {
          unfollowLive(message.id);
          actions.setMessage(stopped);
        })
        .catch(failed);
  }, [streaming, actions, failed]);

  const showVersion = useCallback(
    (message: Message, step: number) => {
      if (!id) return;
      const all = siblings(tree, message);
      const next = all[all.findIndex((one) => one.id === message.id) + step];
      if (next) actions.showBranch(id, leafThrough(tree, next.id, null)).catch(failed);
    },
    [id, tree, actions, failed],
  );

  // The branch a message is on, so that it can be looked at.
  const showMessage = useCallback(
    (message: string) => {
      if (!id || !tree.byId.has(message)) return false;
      const leaf = leafThrough(tree, message, conversation?.leaf ?? null);
      if (leaf !== conversation?.leaf) actions.setLeaf(id, leaf);
      return true;
    },
    [id, tree, conversation?.leaf, actions],
  );

  const again = useCallback(
    (message: Message, change: { model?: string; params?: Params } = {}) => {
      setAnnouncement(t("started"));
      actions.regenerate(message, change).catch(failed);
    },
    [actions, failed, t],
  );

  const goOn = useCallback(
    (message: Message) => {
      setAnnouncement(t("started"));
      actions.continue(message).catch(failed);
    },
    [actions, failed, t],
  );

  const choose = useCallback(
    async (better: Message, other: Message, tie: boolean) => {
      try {
        await actions.addFeedback(better, { kind: "comparison", chosen: better.id, rejected: other.id, ...(tie ? { tie: true } : {}) });
        if (id) await actions.showBranch(id, better.id);
        toast(t(tie ? "ratingSent" : "chosen"));
      } catch (error) {
        failed(error);
      }
    },
    [id, actions, toast, failed, t],
  );

  const change = useCallback(
    (given: NewChat) => {
      if (id) actions.change(id, given).catch(failed);
      else setChosen((before) => ({ ...before, ...given }));
    },
    [id, actions, failed],
  );

  // Gone at the server (another tab deleted it).
  const missing = query.error instanceof ApiError && query.error.status === 404;

  return {
    query,
    conversation,
    missing,
    tree,
    branch,
    pair,
    pending,
    problem,
    clearProblem: useCallback(() => setProblem(null), []),
    streaming: streaming.length > 0,
    announcement,
    model,
    models: chatModels,
    system: (id ? conversation?.system : chosen.system) ?? "",
    params: (id ? conversation?.params : chosen.params) ?? {},
    send,
    stop,
    showVersion,
    showMessage,
    again,
    goOn,
    choose,
    change,
  };
}

export type Chat = ReturnType<typeof useChat>;
