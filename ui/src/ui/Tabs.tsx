import { classes } from "@/lib/classes";
import { useLocation } from "@/lib/location";
import { NavLink } from "./NavLink";

interface Props {
  label: string;
  tabs: readonly (readonly [to: string, label: string])[];
  /** The tab that stands for a page below it which is none of these. */
  alsoActive?: string | undefined;
}

/** Pages of one thing, side by side; on a narrow screen they wrap. */
export function Tabs({ label, tabs, alsoActive }: Props) {
  const { pathname } = useLocation();
  return (
    <nav aria-label={label} className="flex flex-wrap gap-x-6 border-b border-line">
      {tabs.map(([to, text]) => (
        <NavLink
          key={to}
          to={to}
          below={false}
          className={classes(
            "-mb-px inline-flex min-h-11 items-center border-b-2",
            pathname === to || alsoActive === to
              ? "border-accent font-medium"
              : "border-transparent text-soft hover:text-ink",
          )}
        >
          {text}
        </NavLink>
      ))}
    </nav>
  );
}
