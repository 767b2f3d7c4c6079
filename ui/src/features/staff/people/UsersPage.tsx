import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import type { StaffUser } from "@/api/types";
import { paths } from "@/paths";
import { words } from "@/words";
import { Pages } from "./Pages";
import { peopleQueries } from "./queries";
import { Search, useSearched } from "./Search";

const { people } = words.staff;

/** Everybody who signs in, newest first, found by name or address. */
export function UsersPage() {
  const q = useSearched();
  const list = useInfiniteQuery({ ...peopleQueries.users(q), placeholderData: keepPreviousData });
  return (
    <div className="grid gap-5">
      <Search label={people.findUser} help={people.findHelp} />
      <Pages label={words.staff.tabs.users} list={list} searched={q !== ""}>
        {(found) => found.map((user) => <Row key={user.id} user={user} />)}
      </Pages>
    </div>
  );
}

function Row({ user }: { user: StaffUser }) {
  return (
    <li className="flex flex-wrap items-start justify-between gap-x-6 gap-y-1 px-5 py-4">
      <div className="min-w-0 wrap-anywhere">
        <Link className="font-medium link" to={paths.adminUser(user.id)}>
          {user.name ?? user.email}
        </Link>
        <p className="text-small text-soft">{user.name ? user.email : null}</p>
      </div>
      <p className="text-soft">
        {people.roles[user.role]} · {signsIn(user)}
      </p>
    </li>
  );
}

/** Whether somebody may sign in, in words. */
export function signsIn({ disabled, login }: StaffUser): string {
  if (disabled) return people.disabled;
  return login ? people.signsIn : people.noLogin;
}
