import { Link } from "wouter";
import { localTime } from "@/lib/dates";
import { paths } from "@/paths";
import { Progress } from "@/ui/Progress";
import { Section } from "@/ui/Section";
import { words } from "@/words";
import { daysLeft, type LocationRoom, type Pace } from "./matters";

const { overview } = words.staff;
const measures = [
  ["creates", overview.creates, paths.adminOperations("any", "create")],
  ["begun", overview.begun, paths.adminOperations("any")],
  ["failed", overview.failed, paths.adminOperations("failed")],
] as const;
type Measure = (typeof measures)[number][0];

/** How much began within the hours past, and how much of it failed. */
export function Lately({ hours }: Pick<Pace, "hours">) {
  const sum = (of: Pace["hours"], what: Measure) => of.reduce((all, hour) => all + hour[what], 0);
  const spans = [
    [overview.thisHour, hours.slice(-1)],
    [overview.lastHour, hours.slice(-2, -1)],
    [overview.day, hours],
  ] as const;
  return (
    <Section title={overview.lately}>
      <Strip hours={hours} />
      <table className="w-full">
        <thead>
          <tr className="text-right text-small text-soft">
            <th scope="col">
              <span className="sr-only">{overview.what}</span>
            </th>
            {spans.map(([title]) => (
              <th key={title} scope="col" className="pb-1 pl-4 font-normal">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="ruled">
          {measures.map(([what, title, to]) => (
            <tr key={what}>
              <th scope="row" className="py-1.5 text-left font-normal">
                <Link className="hover:underline" to={to}>
                  {title}
                </Link>
              </th>
              {spans.map(([span, of]) => (
                <td key={span} className="pl-4 text-right tabular-nums">
                  {sum(of, what)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

/** The hours as bars, what failed in them in red: the table below says it in figures. */
function Strip({ hours }: Pick<Pace, "hours">) {
  const most = Math.max(1, ...hours.map(({ begun }) => begun));
  return (
    <div aria-hidden className="flex h-16 items-end gap-0.5 border-b border-line">
      {hours.map(({ hour, begun, failed }) => (
        <div
          key={hour}
          title={overview.hour(localTime(hour), begun, failed)}
          className="flex h-full min-w-0 flex-1 flex-col justify-end"
        >
          <div className="bg-accent" style={{ height: `${(100 * (begun - failed)) / most}%` }} />
          <div className="bg-bad" style={{ height: `${(100 * failed) / most}%` }} />
        </div>
      ))}
    </div>
  );
}

/** For how many more servers every location has room, and for how long that lasts. */
export function Room({ locations }: Pick<Pace, "locations">) {
  return (
    <Section title={overview.room}>
      {locations.length === 0 ? <p className="text-soft">{overview.noLocations}</p> : null}
      <ul aria-label={overview.room} className="grid gap-4">
        {locations.map((place) => (
          <Place key={place.key} place={place} />
        ))}
      </ul>
      <Link className="justify-self-start link" to={paths.adminCapacity()}>
        {overview.capacity}
      </Link>
    </Section>
  );
}

function Place({ place }: { place: LocationRoom }) {
  const tightest = place.short_of ? place[place.short_of] : null;
  return (
    <li className="grid gap-1">
      <p className="flex flex-wrap justify-between gap-x-4">
        <span className="font-medium">{place.name}</span>
        <span className="text-soft tabular-nums">{overview.servers(place.servers, place.grown)}</span>
      </p>
      {tightest ? (
        <Progress value={share(tightest)} label={overview.taken(place.name)} full={share(tightest) >= 90} />
      ) : null}
      <p className="text-small text-soft">
        {place.room === null ? overview.roomUnknown : overview.roomFor(place.room, daysLeft(place))}{" "}
        {place.short_of ? overview.shortOf[place.short_of] : null}
      </p>
    </li>
  );
}

const share = ({ most, promised }: { most: number; promised: number }) =>
  most > 0 ? Math.min(100, Math.round((100 * promised) / most)) : 100;
