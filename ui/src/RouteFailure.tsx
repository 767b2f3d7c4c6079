import { Link } from "wouter";
import { describe } from "@/api/errors";
import { paths } from "@/paths";
import { Button } from "@/ui/Button";
import { Failure } from "@/ui/Failure";
import { words } from "@/words";

/** What is said in place of a page that could not even begin. */
export function PageFailure({ error }: { error: unknown }) {
  return (
    <div className="grid gap-4">
      <h1 className="sr-only">{words.errors.pageTitle}</h1>
      <Failure title={words.errors.pageTitle} {...describe(error)} />
      <Button className="justify-self-start" onClick={() => window.location.reload()}>
        {words.errors.reload}
      </Button>
    </div>
  );
}

/** The same where nothing is around the page. */
export function RouteFailure({ error }: { error: unknown }) {
  return (
    <main className="mx-auto grid min-h-dvh w-full max-w-xl content-center px-4">
      <PageFailure error={error} />
    </main>
  );
}

export function NotFound() {
  return (
    <main className="mx-auto grid min-h-dvh w-full max-w-xl content-center gap-3 px-4 text-center">
      <h1 className="text-title font-semibold">{words.errors.notFound}</h1>
      <p className="text-soft">{words.errors.notFoundHelp}</p>
      <Link className="link" to={paths.servers()}>
        {words.shell.goServers}
      </Link>
    </main>
  );
}
