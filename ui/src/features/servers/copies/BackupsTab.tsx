import { CopySection } from "./CopySection";
import { backups, snapshots } from "./kinds";

/** Both kinds of copies of a server's disk: beside it, and away from it. */
export function BackupsTab() {
  return (
    <>
      <CopySection kind={snapshots} />
      <CopySection kind={backups} />
    </>
  );
}
