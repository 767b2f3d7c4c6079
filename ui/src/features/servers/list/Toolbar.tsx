import { useQuery } from "@tanstack/react-query";
import { Search, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { accountsQuery } from "@/api/accounts";
import { useUser } from "@/api/session";
import { isTyping, plainKey } from "@/lib/keyboard";
import { Button } from "@/ui/Button";
import { Select } from "@/ui/Select";
import { words } from "@/words";
import type { Filters } from "./filters";

interface Props {
  filters: Filters;
  onChange: (changes: Record<string, string>) => void;
}

const TYPING_MS = 250;

const statuses = [
  { value: "", label: words.servers.anyStatus },
  ...Object.entries(words.status).map(([value, label]) => ({ value, label: label.replace("…", "") })),
];
const sorts = Object.entries(words.servers.sorts).map(([value, label]) => ({ value, label }));

/** What narrows and orders the list. It holds nothing itself: the URL does. */
export function Toolbar({ filters, onChange }: Props) {
  const admin = useUser()?.role === "admin";
  return (
    <div role="search" className="grid items-end gap-3 sm:flex sm:flex-wrap">
      <SearchField value={filters.q ?? ""} onChange={(q) => onChange({ q })} />
      <div className="grid grid-cols-2 gap-3 sm:contents">
        <Select
          label={words.servers.status}
          value={filters.status ?? ""}
          options={statuses}
          onChange={(status) => onChange({ status })}
        />
        <Select
          label={words.servers.sort}
          value={filters.sort ?? "-created_at"}
          options={sorts}
          onChange={(sort) => onChange({ sort })}
        />
      </div>
      <AccountSwitch chosen={filters.account ?? ""} onChange={(account) => onChange({ account })} />
      {admin ? (
        <EverybodySwitch on={filters.scope === "all"} onChange={(on) => onChange({ scope: on ? "" : "own" })} />
      ) : null}
    </div>
  );
}

/** Whose servers are listed: of which account, for who acts for several; of a customer, for staff who look at one. */
function AccountSwitch({ chosen, onChange }: { chosen: string; onChange: (account: string) => void }) {
  const { data = [] } = useQuery(accountsQuery());
  if (chosen && data.every(({ id }) => id !== chosen))
    return (
      <Button icon={<X aria-hidden size={15} />} onClick={() => onChange("")}>
        {words.servers.ofOneCustomer}
      </Button>
    );
  if (data.length < 2) return null;
  const accounts = data.map(({ id, name }) => ({ value: id, label: name || words.accounts.unnamed }));
  const options = [{ value: "", label: words.accounts.allAccounts }, ...accounts];
  return <Select label={words.accounts.account} value={chosen} options={options} onChange={onChange} />;
}

function SearchField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [typed, setTyped] = useState(value);
  const [sent, setSent] = useState(value);
  const [seen, setSeen] = useState(value);
  if (value !== seen) {
    setSeen(value);
    // Not an echo of the typing: the filters were cleared, or the browser went back.
    if (value !== sent) setTyped(value);
  }
  const field = useSlash();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  // Another filter may change while this one still waits.
  const change = useRef(onChange);
  useEffect(() => {
    change.current = onChange;
  });
  const type = (text: string) => {
    setTyped(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      setSent(text.trim());
      change.current(text.trim());
    }, TYPING_MS);
  };
  return (
    <label className="relative grid gap-1 text-small text-soft sm:max-w-88 sm:flex-1 sm:basis-56">
      {words.servers.search}
      <Search aria-hidden size={16} className="absolute bottom-3.5 left-3 sm:bottom-3" />
      <input
        ref={field}
        type="search"
        value={typed}
        onChange={(event) => type(event.target.value)}
        placeholder={words.servers.searchHint}
        className="control pl-9 text-base"
      />
    </label>
  );
}

/** The field that a slash leads to, from anywhere on the page where it is not text. */
function useSlash() {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== "/" || !plainKey(event) || isTyping(event.target)) return;
      event.preventDefault();
      field.current?.focus();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  return field;
}

function EverybodySwitch({ on, onChange }: { on: boolean; onChange: (on: boolean) => void }) {
  return (
    <label className="flex min-h-11 items-center gap-2.5 justify-self-start whitespace-nowrap sm:ml-auto sm:min-h-10">
      <input
        type="checkbox"
        checked={on}
        onChange={(event) => onChange(event.target.checked)}
        className="size-4 accent-accent"
      />
      {words.servers.all}
    </label>
  );
}
