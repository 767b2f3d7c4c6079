import { Redirect } from "wouter";
import { useUser } from "@/api/session";
import { useTitle } from "@/lib/hooks";
import { useSearchParams } from "@/lib/location";
import { safeNext } from "@/paths";
import { words } from "@/words";
import { Entrance } from "./Entrance";
import { LoginForm } from "./LoginForm";

export function LoginPage() {
  useTitle(words.session.title);
  const [params] = useSearchParams();
  if (useUser()) return <Redirect to={safeNext(params.get("next"))} replace />;
  return (
    <Entrance>
      <LoginForm />
    </Entrance>
  );
}
