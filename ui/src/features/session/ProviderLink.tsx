import { useQuery } from "@tanstack/react-query";
import { signInProvider } from "@/api/session";
import { useLocation, useSearchParams } from "@/lib/location";
import { safeNext } from "@/paths";
import { buttonClass } from "@/ui/Button";
import { Notice } from "@/ui/Notice";
import { words } from "@/words";

const { provider } = words.session;
const HASH = "#sign-in=";

/** The way in through the company's own provider, where there is one; staff alone get in by it. */
export function ProviderLink() {
  const [params] = useSearchParams();
  const { data: name } = useQuery({ queryKey: ["sign-in-provider"], queryFn: signInProvider });
  if (!name) return null;
  const there = new URLSearchParams({ next: safeNext(params.get("next")) });
  return (
    <div className="grid gap-2">
      <a href={`/v1/oidc/login?${there}`} className={buttonClass("plain")}>
        {provider.open(name)}
      </a>
      <p className="text-small text-soft">{provider.help}</p>
    </div>
  );
}

/** Why somebody came back from the provider and is not in. */
export function ProviderRefusal() {
  const { hash } = useLocation();
  if (!hash.startsWith(HASH)) return null;
  const why = hash.slice(HASH.length);
  return (
    <Notice tone="bad" urgent title={provider.failed}>
      {provider.why[why as keyof typeof provider.why] ?? provider.why.refused}
    </Notice>
  );
}
