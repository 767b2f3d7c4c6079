import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Choice } from "@/ui/Choice";
import { words } from "@/words";
import { Count, ItemForm, numberOf, Text, textOf, useTyped } from "./form";
import { shelfActs, shelfQueries, type Image } from "./queries";
import { Shelf, useRetired } from "./Shelf";
import { NONE, Templates, templatesOf, type TypedTemplate } from "./Templates";

const { catalogue } = words.staff;
type Source = "named" | "own";

/** The images: where each is copied from, whom it is for, and what staff make of them. */
export function ImagesPage() {
  const retired = useRetired();
  return (
    <Shelf
      kind="image"
      label={catalogue.images}
      list={useInfiniteQuery(shelfQueries.images(retired[0]))}
      retired={retired}
      lines={lines}
      Form={ImageForm}
    />
  );
}

function lines({ min_disk_gib, default_user, templates }: Image): string[] {
  const places = templates.map(({ cluster, node, vmid }) => catalogue.templateAt(cluster, node, vmid));
  return [
    `${catalogue.needs(min_disk_gib)} · ${catalogue.forUser(default_user)}`,
    places.length > 0 ? places.join(" · ") : catalogue.nowhere,
  ];
}

function ImageForm({ item: image }: { item?: Image }) {
  const own = image ? image.template === image.key : true;
  const [source, setSource] = useState<Source>(own ? "own" : "named");
  const [templates, setTemplates] = useState<TypedTemplate[]>(
    image && own
      ? image.templates.map(({ cluster, node, vmid }) => ({ cluster, node: node ?? "", vmid: `${vmid}` }))
      : [NONE],
  );
  const typed = useTyped({
    name: image?.name ?? "",
    min_disk_gib: image?.min_disk_gib ?? 1,
    default_user: image?.default_user ?? "",
    template: own ? "" : (image?.template ?? ""),
    position: image?.position ?? "",
  });
  const run = () => {
    const body = {
      name: textOf(typed, "name"),
      min_disk_gib: numberOf(typed, "min_disk_gib") ?? 0,
      default_user: textOf(typed, "default_user"),
      template: source === "named" ? textOf(typed, "template") : null,
      templates: source === "own" ? templatesOf(templates) : null,
      position: numberOf(typed, "position"),
      reason: textOf(typed, "reason") || null,
    };
    return image ? shelfActs.changeImage(image, body) : shelfActs.createImage({ ...body, key: textOf(typed, "key") });
  };
  return (
    <ItemForm kind="image" name={image?.name} typed={typed} run={run}>
      <Choice
        legend={catalogue.source}
        name="source"
        options={(["own", "named"] as const).map((value) => ({
          value,
          title: catalogue.sources[value],
          detail: catalogue.sourceHelp[value],
        }))}
        value={source}
        onChange={(value) => setSource(value as Source)}
        empty={catalogue.noSources}
      />
      {source === "named" ? (
        <Text name="template" typed={typed} mono />
      ) : (
        <Templates rows={templates} onChange={setTemplates} />
      )}
      <div className="grid items-start gap-5 sm:grid-cols-2">
        <Count name="min_disk_gib" typed={typed} />
        <Text name="default_user" typed={typed} help={catalogue.userHelp} />
      </div>
    </ItemForm>
  );
}
