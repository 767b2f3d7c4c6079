import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { ServersPage } from "@/features/servers/list/ServersPage";
import { LoginPage } from "@/features/session/LoginPage";
import { Located } from "@/lib/location";
import { paths } from "@/paths";
import { Header, MAIN } from "@/Shell";

/** Nobody is signed in and nothing is known: pages draw what they show all the same. */
function markup(path: string, page: ReactNode): string {
  return renderToStaticMarkup(
    <QueryClientProvider client={new QueryClient()}>
      <Located at={path}>
        {/* Seen, but not to be used: what is typed before the scripts are there would be lost. */}
        <fieldset disabled inert aria-hidden className="contents">
          {page}
        </fieldset>
      </Located>
    </QueryClientProvider>,
  );
}

const inside = (page: ReactNode) => (
  <>
    <Header />
    <main className={MAIN}>{page}</main>
  </>
);

/** What is seen of each kind of page before its scripts are there, as HTML: what is the same for everybody. */
export function frames(): Record<"login" | "list" | "inside", string> {
  return {
    login: markup(paths.login(), <LoginPage />),
    list: markup(paths.servers(), inside(<ServersPage />)),
    inside: markup(paths.server(""), inside(null)),
  };
}
