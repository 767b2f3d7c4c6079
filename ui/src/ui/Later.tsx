import { Suspense, useState, type ReactNode } from "react";

/** A dialog or a bar whose code is read when it is first wanted; from then on it stays, so that it can close. */
export function Later({ open, children }: { open: boolean; children: ReactNode }) {
  const [wanted, setWanted] = useState(open);
  if (open && !wanted) setWanted(true);
  return wanted ? <Suspense fallback={null}>{children}</Suspense> : null;
}
