import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import type { Operation } from "@/api/types";
import { paths } from "@/paths";
import { StaffDetails } from "@/ui/StaffDetails";
import { Time } from "@/ui/Time";
import { words } from "@/words";
import { ConfirmedAct } from "@/asking/ConfirmedAct";
import { staffActs, staffQueries } from "./queries";

const staff = words.staff;

/** An operation of any server: what, of whom, why it does not go on; `endable`: with the ways out of it. */
export function OperationRow({ operation, endable = false }: { operation: Operation; endable?: boolean }) {
  const { id, type, resource, error, created_at } = operation;
  const server = useQuery(staffQueries.server(resource.id)).data;
  const name = server?.name ?? resource.id;
  return (
    <li className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3 py-4 first:pt-0 last:pb-0">
      <div className="min-w-0 flex-1 basis-72 wrap-anywhere">
        <p>
          <Link className="text-accent underline underline-offset-2" to={paths.serverOperation(resource.id, id)}>
            {name}: {words.operationType(type)}
          </Link>
        </p>
        <p className="text-small text-soft">
          <Time at={created_at} />
          {server?.admin?.cluster ? ` · ${server.admin.cluster}` : null}
          {server?.admin?.node ? ` · ${server.admin.node}` : null}
        </p>
        {error ? <p>{error.message}</p> : null}
        {error?.debug ? <StaffDetails text={error.debug} /> : null}
      </div>
      {endable ? <Ways operation={operation} about={name} /> : null}
    </li>
  );
}

function Ways({ operation, about }: { operation: Operation; about: string }) {
  return (
    <div className="flex flex-wrap gap-2">
      <ConfirmedAct
        label={staff.retry}
        acting={staff.retrying}
        title={staff.retryTitle}
        notes={staff.retryNotes}
        about={about}
        run={() => staffActs.end(operation, "retry")}
      />
      <ConfirmedAct
        label={staff.giveUp}
        acting={staff.givingUp}
        title={staff.giveUpTitle}
        notes={staff.giveUpNotes}
        about={about}
        danger
        run={() => staffActs.end(operation, "cancel")}
      />
    </div>
  );
}
