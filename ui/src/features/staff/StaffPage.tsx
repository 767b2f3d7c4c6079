import { Menu } from "lucide-react";
import { useId, useState, type ReactNode } from "react";
import { Link } from "wouter";
import { useUser } from "@/api/session";
import { classes } from "@/lib/classes";
import { useTitle } from "@/lib/hooks";
import { useLocation } from "@/lib/location";
import { Button } from "@/ui/Button";
import { EmptyState } from "@/ui/EmptyState";
import { words } from "@/words";
import { places, placeOf, type Place } from "./places";

const staff = words.staff;

/** The frame of the pages for staff. Others are told that it is not theirs; the service tells them nothing either. */
export function StaffPage({ children }: { children?: ReactNode }) {
  const { pathname } = useLocation();
  const here = placeOf(pathname);
  useTitle(here.title);
  if (useUser()?.role !== "admin") return <EmptyState title={staff.notStaff} help={staff.notStaffHelp} />;
  return (
    <div className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-5 lg:grid-cols-[11rem_minmax(0,1fr)] lg:items-start lg:gap-x-10">
      <Places here={here} pathname={pathname} />
      <div className="max-lg:contents lg:grid lg:grid-cols-1 lg:gap-5">
        <Heading here={here} pathname={pathname} />
        <div className="grid grid-cols-1 content-start gap-5 max-lg:col-span-2">{children}</div>
      </div>
    </div>
  );
}

/** Where one is; in a page below, the way back. */
function Heading({ here, pathname }: { here: Place; pathname: string }) {
  if (here.is(pathname))
    return <h1 className="text-title font-semibold max-lg:col-start-1 max-lg:row-start-1">{here.title}</h1>;
  return (
    <h1 className="text-small max-lg:col-start-1 max-lg:row-start-1">
      <Link to={here.to} className="inline-flex min-h-6 items-center link">
        {here.title}
      </Link>
    </h1>
  );
}

/** All pages for staff, beside the one that is open; on narrow screens they are shown when asked for. */
function Places({ here, pathname }: { here: Place; pathname: string }) {
  const id = useId();
  const [openAt, setOpenAt] = useState<string | null>(null);
  const open = openAt === pathname;
  return (
    <nav aria-label={staff.title} className="max-lg:contents lg:sticky lg:top-22 lg:-ml-3">
      <Button
        aria-expanded={open}
        aria-controls={id}
        icon={<Menu aria-hidden size={16} />}
        className="max-lg:col-start-2 max-lg:row-start-1 lg:hidden"
        onClick={() => setOpenAt(open ? null : pathname)}
      >
        {staff.menu}
      </Button>
      <div
        id={id}
        className={classes(
          "grid grid-cols-2 gap-x-4 gap-y-3 max-lg:card max-lg:col-span-2 max-lg:p-4 sm:grid-cols-4 lg:grid-cols-1 lg:gap-y-5",
          open ? undefined : "max-lg:hidden",
        )}
      >
        {places.map(([title, group]) => (
          <div key={title}>
            <p className="px-3 pb-1 text-small text-soft">{title}</p>
            <ul>
              {group.map((place) => (
                <li key={place.to}>
                  <PlaceLink place={place} current={place === here ? currency(place, pathname) : undefined} />
                </li>
              ))}
            </ul>
          </div>
        ))}
      </div>
    </nav>
  );
}

const currency = (place: Place, pathname: string) => (place.is(pathname) ? "page" : "true");

function PlaceLink({ place, current }: { place: Place; current: "page" | "true" | undefined }) {
  return (
    <Link
      to={place.to}
      aria-current={current}
      className={classes(
        "flex min-h-11 items-center rounded-control px-3 lg:min-h-9",
        current ? "bg-raised font-medium" : "text-soft hover:text-ink",
      )}
    >
      {place.title}
    </Link>
  );
}
