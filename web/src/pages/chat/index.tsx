export function ChatPage({ id }: { id: string | null }) {
  return <div>{id}</div>;
}
