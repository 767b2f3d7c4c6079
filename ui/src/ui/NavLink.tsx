import type { ComponentProps } from "react";
import { Link } from "wouter";
import { useLocation } from "@/lib/location";

interface Props extends Omit<ComponentProps<"a">, "href" | "className"> {
  to: string;
  /** Whether pages below it count as it. */
  below?: boolean;
  className?: string;
}

/** A link that says whether it leads to the page that is open. */
export function NavLink({ to, below = true, ...link }: Props) {
  const { pathname } = useLocation();
  const here = pathname === to || (below && pathname.startsWith(`${to}/`));
  return <Link to={to} aria-current={here ? "page" : undefined} {...link} />;
}
