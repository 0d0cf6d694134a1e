// Conversations as the server has them, and changes to them.
import { useInfiniteQuery, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { api } from "@/api/client";
import type { Conversation, Document, Feedback, Message, Params, Preset, Summary } from "@/api/types";
import { withMessage } from "./tree";

interface ConversationPage {
  conversations: Summary[];
  next: string | null;
}

export function useConversations(archived: boolean) {
  return useInfiniteQuery({
    queryKey: ["conversations", archived],
    queryFn: ({ pageParam, signal }) =>
      api.get<ConversationPage>(
        `/conversations?archived=${archived ? 1 : 0}&limit=50${pageParam ? `&before=${encodeURIComponent(pageParam)}` : ""}`,
        { signal },
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export function useConversation(id: string | null) {
  return useQuery({
    queryKey: ["conversation", id],
    queryFn: ({ signal }) => api.get<Conversation>(`/conversations/${id}`, { signal }),
    enabled: id !== null,
    staleTime: 30_000,
  });
}

export function usePresets(enabled: boolean) {
  return useQuery({
    queryKey: ["presets"],
    queryFn: ({ signal }) => api.get<{ presets: Preset[] }>("/presets", { signal }),
    select: (data) => data.presets,
    enabled,
  });
}

export function useDocuments(enabled: boolean) {
  return useQuery({
    queryKey: ["documents"],
    queryFn: ({ signal }) => api.get<{ documents: Document[] }>("/documents", { signal }),
    select: (data) => data.documents,
    enabled,
  });
}

export interface SendBody {
  parent: string | null;
  content: string;
  documents: string[];
  answers: 1 | 2;
}

export type NewChat = Partial<Pick<Summary, "system" | "model" | "params">>;

// Everything that changes conversations; keeps what is cached in step.
export class Conversations {
  constructor(private client: QueryClient) {}

  edit(id: string, change: (conversation: Conversation) => Conversation): void {
    // A request under way would bring back what was before: it begins anew, since something waits for it.
    const filter = { queryKey: ["conversation", id] };
    const waiting = this.client.isFetching(filter) > 0;
    void this.client.cancelQueries(filter);
    this.client.setQueryData<Conversation>(["conversation", id], (now) => now && change(now));
    if (waiting) void this.client.invalidateQueries(filter);
  }

  setMessage(message: Message): void {
    this.edit(message.conversation, (now) => ({ ...now, messages: withMessage(now.messages, message) }));
  }

  setLeaf(id: string, leaf: string): void {
    this.edit(id, (now) => ({ ...now, leaf }));
  }

  refreshLists(): void {
    void this.client.invalidateQueries({ queryKey: ["conversations"] });
  }

  refresh(id: string): void {
    void this.client.invalidateQueries({ queryKey: ["conversation", id] });
  }

  async create(chat: NewChat): Promise<Conversation> {
    const made = await api.post<Conversation>("/conversations", chat);
    const conversation: Conversation = { ...made, messages: made.messages ?? [], summaries: made.summaries ?? [] };
    this.client.setQueryData(["conversation", conversation.id], conversation);
    return conversation;
  }

  async send(id: string, body: SendBody): Promise<{ user: Message; answers: Message[] }> {
    const made = await api.post<{ user: Message; answers: Message[] }>(`/conversations/${id}/messages`, body);
    this.edit(id, (now) => ({
      ...now,
      leaf: made.answers[0]?.id ?? made.user.id,
      messages: [made.user, ...made.answers].reduce(withMessage, now.messages as Message[]),
    }));
    this.refreshLists();
    return made;
  }

  async regenerate(message: Message, change: { model?: string; params?: Params }): Promise<void> {
    const { answers } = await api.post<{ answers: Message[] }>(`/messages/${message.id}/regenerate`, change);
    this.edit(message.conversation, (now) => ({
      ...now,
      leaf: answers[0]?.id ?? now.leaf,
      messages: answers.reduce(withMessage, now.messages as Message[]),
    }));
  }

  async continue(message: Message): Promise<void> {
    const { answers } = await api.post<{ answers: Message[] }>(`/messages/${message.id}/continue`);
    this.edit(message.conversation, (now) => ({ ...now, messages: answers.reduce(withMessage, now.messages as Message[]) }));
  }

  stop(id: string): Promise<Message> {
    return api.post<Message>(`/messages/${id}/stop`);
  }

  async change(id: string, change: Partial<Pick<Summary, "title" | "system" | "model" | "params" | "archived" | "leaf">>): Promise<void> {
    const summary = await api.patch<Summary>(`/conversations/${id}`, change);
    this.edit(id, (now) => ({ ...now, ...summary, leaf: now.leaf }));
    if (!("leaf" in change)) this.refreshLists();
  }

  // Shows another branch at once; the server remembers it.
  async showBranch(id: string, leaf: string): Promise<void> {
    const before = this.leafOf(id);
    this.setLeaf(id, leaf);
    await api.patch<Summary>(`/conversations/${id}`, { leaf });
    // What was asked for meanwhile may have brought the old one back, or may still; another choice since then stays.
    const now = this.leafOf(id);
    if (now === before || now === leaf) this.setLeaf(id, leaf);
  }

  private leafOf(id: string): string | null | undefined {
    return this.client.getQueryData<Conversation>(["conversation", id])?.leaf;
  }

  async remove(id: string): Promise<void> {
    await api.delete(`/conversations/${id}`);
    this.client.removeQueries({ queryKey: ["conversation", id] });
    this.refreshLists();
  }

  async addFeedback(message: Message, body: object): Promise<Feedback> {
    const given = await api.post<Feedback>("/feedback", body);
    this.edit(message.conversation, (now) => ({
      ...now,
      messages: now.messages.map((one) =>
        one.id === message.id || one.id === given.other
          ? { ...one, feedback: [...one.feedback.filter((old) => old.id !== given.id && !(given.kind === "rating" && old.kind === "rating")), given] }
          : one,
      ),
    }));
    void this.client.invalidateQueries({ queryKey: ["feedback"] });
    return given;
  }

  async removeFeedback(message: Message, feedback: Feedback): Promise<void> {
    await api.delete(`/feedback/${feedback.id}`);
    this.edit(message.conversation, (now) => ({
      ...now,
      messages: now.messages.map((one) => ({ ...one, feedback: one.feedback.filter((old) => old.id !== feedback.id) })),
    }));
    void this.client.invalidateQueries({ queryKey: ["feedback"] });
  }
}

export function useConversationActions(): Conversations {
  const client = useQueryClient();
  return useMemo(() => new Conversations(client), [client]);
}
