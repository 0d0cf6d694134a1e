import { useQuery } from "@tanstack/react-query";
import { api } from "@/api/client";
import type { FeedbackStats } from "@/api/types";

export function useStats() {
  return useQuery({ queryKey: ["feedback", "stats"], queryFn: () => api.get<FeedbackStats>("/feedback/stats") });
}
