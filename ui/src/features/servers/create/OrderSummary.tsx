import { describe } from "@/api/errors";
import { Button } from "@/ui/Button";
import { Copy } from "@/ui/Copy";
import { Facts } from "@/ui/Facts";
import { Failure } from "@/ui/Failure";
import { words } from "@/words";
import type { Catalogue, OrderForm } from "./CreateServerPage";
import { asCurl } from "./curl";
import { missing, mistakes, toOrder } from "./order";
import { specs } from "@/features/servers/specs";

/** What has been chosen, whether it can be had, and the button; in sight while the form scrolls. */
export function OrderSummary({ form, catalogue }: { form: OrderForm; catalogue: Catalogue }) {
  const { draft, create, check } = form;
  const named = (choices: { id: string; name: string }[], id: string) =>
    choices.find((choice) => choice.id === id)?.name ?? words.common.none;
  const plan = catalogue.plans.find(({ id }) => id === draft.plan);
  const failure = create.error ?? check.error;
  return (
    <section aria-label={words.create.summary} className="card grid gap-4 p-5 lg:sticky lg:top-20">
      <h2 className="text-large font-semibold">{words.create.summary}</h2>
      <Facts
        facts={[
          [words.create.location, named(catalogue.locations, draft.location)],
          [words.server.image, named(catalogue.images, draft.image)],
          [words.create.plan, plan ? `${plan.name} (${specs(plan)})` : words.common.none],
          [words.create.name, draft.name || words.common.none],
        ]}
      />
      <p role="status" className="text-small text-soft">
        {verdict(form)}
      </p>
      {failure ? (
        <Failure title={create.error ? words.create.failed : words.create.refused} {...describe(failure)} />
      ) : null}
      <Button type="submit" kind="primary" busy={create.isPending} reason={stillMissing(form)}>
        {create.isPending ? words.create.submitting : words.create.submit}
      </Button>
      <AsCurl form={form} />
    </section>
  );
}

/** What this form sends, for whoever would rather write a program. */
function AsCurl({ form }: { form: OrderForm }) {
  const order = toOrder(form.draft);
  if (!order) return null;
  const command = asCurl(order, window.location.origin);
  return (
    <details className="text-small">
      <summary className="cursor-pointer text-soft">{words.create.curl}</summary>
      <div className="mt-2 rounded-control bg-raised p-3 whitespace-pre-wrap">
        <Copy text={command} what={words.create.curlWhat} />
      </div>
      <p className="mt-2 text-soft">{words.create.curlHelp}</p>
    </details>
  );
}

function stillMissing({ draft }: OrderForm): string | null {
  const open = missing(draft);
  return open.length > 0 ? words.create.missing(open.join(", ")) : (Object.values(mistakes(draft))[0] ?? null);
}

function verdict(form: OrderForm): string {
  const open = stillMissing(form);
  if (open) return open;
  if (form.check.isSuccess && !form.check.isFetching) return words.create.fits;
  return form.check.isFetching || !form.checked ? words.create.checking : "";
}
