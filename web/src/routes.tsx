// The addresses of the app. Everything but the chat is loaded when it is first visited.
import { lazy, Suspense, type ReactNode } from "react";
import { Redirect, Route, Switch } from "wouter";
import { useSession } from "./api/session";
import { ChatPage } from "./pages/chat";
import { ErrorBoundary } from "./shell/error_boundary";
import { ShellLayout } from "./shell/layout";
import { Loading } from "./ui";

const Playground = lazy(() => import("./pages/playground"));
const Memory = lazy(() => import("./pages/memory"));
const Files = lazy(() => import("./pages/files"));
const Presets = lazy(() => import("./pages/presets"));
const Settings = lazy(() => import("./pages/settings"));
const Feedback = lazy(() => import("./pages/feedback"));
const Training = lazy(() => import("./pages/training"));
const Accounts = lazy(() => import("./pages/accounts"));
const Login = lazy(() => import("./pages/login"));

function page(content: ReactNode, key: string) {
  return (
    <ErrorBoundary key={key}>
      <Suspense fallback={<Loading />}>{content}</Suspense>
    </ErrorBoundary>
  );
}

export function Routes() {
  const { user, usersEnabled } = useSession();
  // The log-in page also takes /signup?invitation=CODE; it stays at the address that was asked for.
  if (!user) return <Suspense fallback={<Loading />}>{<Login />}</Suspense>;
  return (
    <ShellLayout>
      <Switch>
        <Route path="/playground">{page(<Playground />, "playground")}</Route>
        <Route path="/memory">{page(<Memory />, "memory")}</Route>
        <Route path="/files">{page(<Files />, "files")}</Route>
        <Route path="/presets">{page(<Presets />, "presets")}</Route>
        <Route path="/settings">{page(<Settings />, "settings")}</Route>
        <Route path="/feedback">{page(<Feedback />, "feedback")}</Route>
        <Route path="/training">{page(<Training />, "training")}</Route>
        {usersEnabled && user.role === "admin" && <Route path="/accounts">{page(<Accounts />, "accounts")}</Route>}
        <Route path="/c/:id">{({ id }) => page(<ChatPage id={id} />, "chat")}</Route>
        <Route path="/">{page(<ChatPage id={null} />, "chat")}</Route>
        <Route>
          <Redirect to="/" replace />
        </Route>
      </Switch>
    </ShellLayout>
  );
}
