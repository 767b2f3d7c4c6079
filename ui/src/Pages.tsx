import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, type ReactNode } from "react";
import { Route } from "wouter";
import { restore, useUser } from "@/api/session";
import { Boundary } from "@/lib/Boundary";
import { onIntent } from "@/lib/intent";
import { Located, useLocation, type Location } from "@/lib/location";
import { useScrollMemory } from "@/lib/scroll";
import { NotFound, RouteFailure } from "@/RouteFailure";
import { routeOf } from "@/routes";
import { Shell } from "@/Shell";

export interface Door {
  /** Why nobody can say whether somebody is signed in; null: it is known. */
  failed: unknown;
}

/** Fetches the code of the page at an address. What goes wrong is told when it is drawn. */
async function load(pathname: string): Promise<void> {
  await Promise.allSettled(routeOf(pathname)?.pages.map((each) => each.load()) ?? []);
}

/** Fetches what the page at an address needs. */
function begin(client: QueryClient, { pathname, search }: Pick<Location, "pathname" | "search">): Promise<void> {
  const route = routeOf(pathname);
  route?.begin?.(client, { params: route.params, search });
  return load(pathname);
}

/** Begins the page at the browser's address, and asks who is there; answers when it can be drawn. */
export async function open(client: QueryClient): Promise<Door> {
  const there = begin(client, window.location);
  const failed = await restore().then(
    () => null,
    (error: unknown) => error,
  );
  await there;
  return { failed };
}

/** The page at the browser's address. */
export function Pages({ door }: { door: Door }) {
  const client = useQueryClient();
  useEffect(() => onIntent((pathname) => void load(pathname)), []);
  return (
    <Located onGo={useCallback((there: Location) => void begin(client, there), [client])}>
      <Drawn door={door} />
    </Located>
  );
}

function Drawn({ door }: { door: Door }) {
  const { pathname } = useLocation();
  useScrollMemory();
  const route = routeOf(pathname);
  if (!route) return <NotFound />;
  const drawn = route.pages.reduceRight<ReactNode>((inner, { Page }) => <Page>{inner}</Page>, null);
  return (
    <Boundary at={pathname} Failed={RouteFailure}>
      <Route path={route.path}>{route.open ? drawn : <Inside door={door}>{drawn}</Inside>}</Route>
    </Boundary>
  );
}

/** Who is not known to be signed in or not sees no page but why. */
function Inside({ door, children }: { door: Door; children: ReactNode }) {
  if (!useUser() && door.failed) throw door.failed;
  return <Shell>{children}</Shell>;
}
