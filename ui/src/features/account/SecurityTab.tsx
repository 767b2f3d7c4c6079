import { Sessions } from "./Sessions";
import { TwoFactor } from "./TwoFactor";

/** The second factor, and where one is signed in. */
export function SecurityTab() {
  return (
    <div className="grid gap-5 lg:grid-cols-2">
      <TwoFactor />
      <Sessions />
    </div>
  );
}
