import type { ReactNode } from "react";
import { paths } from "@/paths";
import { Tabs } from "@/ui/Tabs";
import { words } from "@/words";

const { catalogue } = words.staff;
const tabs = [
  [paths.adminPlans(), catalogue.plans],
  [paths.adminImages(), catalogue.images],
  [paths.adminLocations(), catalogue.locations],
] as const;

/** What is sold: plans, images and locations, each on its page. */
export function CataloguePage({ children }: { children?: ReactNode }) {
  return (
    <div className="grid gap-5">
      <Tabs label={catalogue.title} tabs={tabs} />
      {children}
    </div>
  );
}
