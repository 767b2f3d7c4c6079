import { useQueryClient } from "@tanstack/react-query";
import { WifiOff } from "lucide-react";
import { Fragment, lazy, Suspense, useEffect, useRef, useState, type ReactNode } from "react";
import { Redirect } from "wouter";
import { hasLeft, useActing, useUser } from "@/api/session";
import { followServers } from "@/features/servers/live";
import { PaletteButton } from "@/features/servers/palette/PaletteButton";
import { SignOut } from "@/features/session/SignOut";
import { Boundary } from "@/lib/Boundary";
import { useLocation } from "@/lib/location";
import { paths } from "@/paths";
import { PageFailure } from "@/RouteFailure";
import { NavLink } from "@/ui/NavLink";
import { words } from "@/words";

const ActingBanner = lazy(async () => ({ default: (await import("@/features/session/ActingBanner")).ActingBanner }));

/** How every page lies within the frame. */
export const MAIN = "mx-auto w-full max-w-7xl px-4 py-6 outline-none sm:px-6 sm:py-8";

/** The frame around every page of somebody signed in. Signed out, it leads to the sign-in and back. */
export function Shell({ children }: { children: ReactNode }) {
  const { pathname, search } = useLocation();
  const user = useUser();
  const acting = useActing();
  if (!user) return <Redirect to={paths.login(hasLeft() ? undefined : pathname + search)} replace />;
  return (
    // Another user, another page: nothing that one had opened is left to the other.
    <Fragment key={user.id}>
      <a href="#content" className="sr-only focus:not-sr-only focus:absolute focus:z-20 focus:bg-surface focus:p-3">
        {words.common.skip}
      </a>
      <Header />
      {acting ? (
        <Suspense fallback={null}>
          <ActingBanner />
        </Suspense>
      ) : null}
      <LiveNotice />
      <Main>{children}</Main>
    </Fragment>
  );
}

/** Takes the focus when another page opens in it, so that reading goes on there; tabs of one page keep it. */
function Main({ children }: { children: ReactNode }) {
  const { pathname } = useLocation();
  const page = pathname.startsWith(paths.admin()) ? paths.admin() : pathname.split("/").slice(0, 3).join("/");
  const main = useRef<HTMLElement>(null);
  const shown = useRef(page);
  useEffect(() => {
    if (shown.current !== page) main.current?.focus({ preventScroll: true });
    shown.current = page;
  }, [page]);
  return (
    <main ref={main} id="content" tabIndex={-1} className={MAIN}>
      <Boundary at={pathname} Failed={PageFailure}>
        {children}
      </Boundary>
    </main>
  );
}

/** Leads to the places; `Sign out` is in it. */
export function Header() {
  const staff = useUser()?.role === "admin";
  const places = [
    [paths.servers(), words.shell.servers],
    ...(staff ? [[paths.admin(), words.shell.staff] as const] : []),
  ] as const;
  return (
    <header className="sticky top-0 z-10 border-b border-line bg-surface">
      <div className="mx-auto flex h-14 max-w-7xl items-center justify-between gap-4 px-4 sm:px-6">
        <nav aria-label={words.shell.nav} className="flex items-center gap-5">
          <span className="flex items-center gap-2 font-semibold">
            <img src="/favicon.svg" alt="" width={22} height={22} />
            <span className="max-sm:sr-only">{words.product}</span>
          </span>
          {places.map(([to, label]) => (
            <NavLink
              key={to}
              to={to}
              className="inline-flex min-h-11 items-center text-soft hover:text-ink aria-[current=page]:font-medium aria-[current=page]:text-ink"
            >
              {label}
            </NavLink>
          ))}
        </nav>
        <div className="flex min-w-0 items-center gap-2 sm:gap-4">
          <PaletteButton />
          <SignOut />
        </div>
      </div>
    </header>
  );
}

function LiveNotice() {
  const client = useQueryClient();
  const [live, setLive] = useState(true);
  const user = useUser();
  // Who acts as somebody does so in this tab alone.
  const name = useActing() || !user ? null : `events ${user.id}`;
  const id = user?.id;
  useEffect(() => (id ? followServers(client, name, setLive) : undefined), [client, name, id]);
  return (
    <p role="status" className="bg-raised text-center text-small text-soft">
      {live ? null : (
        <span className="inline-flex items-center gap-2 px-4 py-1.5">
          <WifiOff aria-hidden size={14} />
          {words.shell.offline}
        </span>
      )}
    </p>
  );
}
