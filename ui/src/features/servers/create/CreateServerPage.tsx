import { useQueries, useQuery } from "@tanstack/react-query";
import { useRef, useState, type FormEvent } from "react";
import { ApiError, describe } from "@/api/errors";
import { accountsQuery } from "@/api/accounts";
import { mayOrder } from "@/api/roles";
import type { Account, Image, Location, Plan } from "@/api/types";
import { randomKey } from "@/lib/keys";
import { useSettled, useTitle } from "@/lib/hooks";
import { paths } from "@/paths";
import { Choice } from "@/ui/Choice";
import { Failure } from "@/ui/Failure";
import { Field } from "@/ui/Field";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";
import { useOffers } from "./offers";
import { OrderSummary } from "./OrderSummary";
import { emptyDraft, mistakes, toOrder, type Draft } from "./order";
import { catalogueQueries, dryRun, useCreateServer } from "@/features/servers/queries";
import { takesUserData, UserDataField } from "@/features/servers/UserData";
import { KeyChoice } from "@/features/servers/keys/KeyChoice";
import { specs } from "@/features/servers/specs";
import { go } from "@/lib/location";

export interface Catalogue {
  locations: Location[];
  images: Image[];
  plans: Plan[];
  /** Those for which the user may order. */
  accounts: Account[];
}

export function CreateServerPage() {
  useTitle(words.create.title);
  const [locations, images, plans, accounts] = useQueries({
    queries: [catalogueQueries.locations(), catalogueQueries.images(), catalogueQueries.plans(), accountsQuery()],
  });
  const all = [locations, images, plans, accounts];
  const failed = all.find((query) => query.error);
  return (
    <div className="grid gap-5">
      <h1 className="text-title font-semibold">{words.create.title}</h1>
      {failed?.error ? (
        <Failure
          title={words.create.catalogueFailed}
          {...describe(failed.error)}
          onRetry={() => void failed.refetch()}
        />
      ) : null}
      {locations.data && images.data && plans.data && accounts.data ? (
        <OrderForm
          catalogue={{
            locations: locations.data.data,
            images: images.data.data,
            plans: plans.data.data,
            accounts: accounts.data.filter(({ role }) => mayOrder(role)),
          }}
        />
      ) : null}
      {all.some((query) => query.isPending) ? <Skeleton rows={4} label={words.common.loading} /> : null}
    </div>
  );
}

/** Nothing to decide where only one is offered. */
function preselected({ locations, images, plans, accounts }: Catalogue): Draft {
  const only = (choices: { id: string }[]) => (choices.length === 1 ? (choices[0]?.id ?? "") : "");
  // The service knows which it is where there is but one.
  const account = accounts.length > 1 ? accounts[0]!.id : "";
  return { ...emptyDraft, account, location: only(locations), image: only(images), plan: only(plans) };
}

function useOrderForm(catalogue: Catalogue) {
  const [filledIn, setDraft] = useState(() => preselected(catalogue));
  // What was written for a place that takes user data is not sent to one that takes none.
  const userData = takesUserData(catalogue.locations, filledIn.location);
  const draft = userData ? filledIn : { ...filledIn, user_data: "" };
  const order = toOrder(useSettled(draft, 400));
  const check = useQuery(dryRun(order));
  const create = useCreateServer();
  const key = useRef(randomKey());
  const set =
    <Name extends keyof Draft>(field: Name) =>
    (value: Draft[Name]) => {
      key.current = randomKey();
      create.reset();
      setDraft((now) => ({ ...now, [field]: value }));
    };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const now = toOrder(draft);
    if (!now || create.isPending) return;
    create.mutate({ order: now, key: key.current }, { onSuccess: ({ server }) => go(paths.server(server.id)) });
  };
  return { draft, set, submit, create, check, checked: order !== null, userData };
}

export type OrderForm = ReturnType<typeof useOrderForm>;

/** Where the service's answer speaks of a field. */
const pointer = (field: keyof Draft) => (field === "keys" ? "/ssh_key_ids" : `/${field}`);

function fieldError(form: OrderForm, field: keyof Draft): string | undefined {
  const own = mistakes(form.draft)[field];
  const answer = form.create.error ?? form.check.error;
  return own ?? (answer instanceof ApiError ? answer.field(pointer(field)) : undefined);
}

function OrderForm({ catalogue }: { catalogue: Catalogue }) {
  const form = useOrderForm(catalogue);
  return (
    <form onSubmit={form.submit} noValidate className="grid items-start gap-8 lg:grid-cols-[1fr_20rem]">
      <div className="grid min-w-0 gap-8">
        {catalogue.accounts.length > 1 ? <ForAccount form={form} accounts={catalogue.accounts} /> : null}
        <Choices form={form} catalogue={catalogue} />
        <Access form={form} />
        <Name form={form} />
        <Field
          label={words.create.labels}
          help={words.create.labelsHelp}
          error={fieldError(form, "labels")}
          value={form.draft.labels}
          onValueChange={form.set("labels")}
          name="labels"
          lines={2}
          mono
          spellCheck={false}
          autoComplete="off"
        />
        {form.userData ? (
          <UserDataField
            value={form.draft.user_data}
            onChange={form.set("user_data")}
            error={fieldError(form, "user_data")}
          />
        ) : null}
      </div>
      <OrderSummary form={form} catalogue={catalogue} />
    </form>
  );
}

function ForAccount({ form, accounts }: { form: OrderForm; accounts: readonly Account[] }) {
  return (
    <Choice
      name="account"
      legend={words.members.account}
      options={accounts.map(({ id, name }) => ({ value: id, title: name || words.members.unnamed }))}
      value={form.draft.account}
      onChange={form.set("account")}
      error={fieldError(form, "account")}
      empty=""
    />
  );
}

function Choices({ form, catalogue }: { form: OrderForm; catalogue: Catalogue }) {
  const whyNot = useOffers(catalogue, form.draft);
  const named = ({ id, name }: { id: string; name: string }) => ({ value: id, title: name });
  const groups = [
    { field: "location", legend: words.create.location, options: catalogue.locations.map(named) },
    { field: "image", legend: words.create.image, options: catalogue.images.map(named) },
    {
      field: "plan",
      legend: words.create.plan,
      options: catalogue.plans.map((plan) => ({ ...named(plan), detail: specs(plan) })),
    },
  ] as const;
  return groups.map(({ field, legend, options }) => (
    <Choice
      key={field}
      name={field}
      legend={legend}
      options={options.map((option) => ({ ...option, reason: whyNot(field, option.value) }))}
      value={form.draft[field]}
      onChange={form.set(field)}
      error={fieldError(form, field)}
      empty={words.create.noChoices}
    />
  ));
}

function Access({ form }: { form: OrderForm }) {
  return (
    <fieldset className="grid gap-4">
      <legend className="mb-3 text-large font-semibold">{words.create.access}</legend>
      <KeyChoice
        chosen={form.draft.keys}
        onChange={form.set("keys")}
        help={words.create.keysHelp}
        error={fieldError(form, "keys")}
      />
      <Field
        label={words.create.password}
        help={words.create.passwordHelp}
        error={fieldError(form, "password")}
        value={form.draft.password}
        onValueChange={form.set("password")}
        name="root_password"
        type="password"
        autoComplete="new-password"
      />
    </fieldset>
  );
}

function Name({ form }: { form: OrderForm }) {
  return (
    <Field
      label={<span className="text-large font-semibold">{words.create.name}</span>}
      help={words.create.nameHelp}
      error={fieldError(form, "name")}
      value={form.draft.name}
      onValueChange={form.set("name")}
      name="name"
      autoComplete="off"
      autoCapitalize="none"
      spellCheck={false}
    />
  );
}
