"use strict";

/** An element with text or children. */
function make(tag, content, className) {
  const element = document.createElement(tag);
  element.append(...[content].flat());
  if (className) element.className = className;
  return element;
}

/** A schema as people read it: names and types, references followed once. */
function outline(schema, schemas, depth = 0) {
  if (schema.$ref) {
    const name = schema.$ref.split("/").at(-1);
    return depth > 3 ? name : outline(schemas[name], schemas, depth);
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map((choice) => outline(choice, schemas, depth)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === "array") return `[${outline(schema.items ?? {}, schemas, depth)}]`;
  if (schema.type === "object" && schema.properties) {
    const pad = "  ".repeat(depth + 1);
    const required = new Set(schema.required ?? []);
    const lines = Object.entries(schema.properties).map(
      ([name, part]) => `${pad}${name}${required.has(name) ? "" : "?"}: ${outline(part, schemas, depth + 1)}`,
    );
    return `{\n${lines.join("\n")}\n${"  ".repeat(depth)}}`;
  }
  return [schema.type ?? "any", schema.format].filter(Boolean).join(" ");
}

function contents(content, schemas) {
  return Object.entries(content ?? {}).flatMap(([type, { schema, example }]) => [
    make("div", make("code", type), "quiet"),
    make("pre", outline(schema, schemas)),
    ...(example === undefined ? [] : [make("div", "For example", "quiet"), make("pre", JSON.stringify(example, null, 2))]),
  ]);
}

function parameters(list) {
  const rows = list.flatMap(({ name, in: place, required, description, schema }) => [
    make("dt", make("code", name)),
    make("dd", `${place}${required ? ", required" : ""}: ${outline(schema, {})} ${description ?? ""}`),
  ]);
  return rows.length ? [make("h3", "Parameters"), make("dl", rows)] : [];
}

function answers(responses, schemas) {
  const rows = Object.entries(responses).flatMap(([status, { description, content }]) => [
    make("dt", status),
    make("dd", [description, ...(Number(status) < 300 ? contents(content, schemas) : [])]),
  ]);
  return [make("h3", "Answers"), make("dl", rows)];
}

function call(method, path, operation, schemas) {
  const open = operation.security?.length === 0 ? [make("span", "no token needed", "quiet")] : [];
  const summary = make("summary", [
    make("span", method.toUpperCase(), "method"),
    make("code", path),
    make("span", operation.summary),
    ...open,
  ]);
  const body = operation.requestBody ? [make("h3", "Body"), ...contents(operation.requestBody.content, schemas)] : [];
  const words = operation.description ? [make("p", operation.description, "words")] : [];
  return make("details", [summary, ...words, ...parameters(operation.parameters), ...body, ...answers(operation.responses, schemas)]);
}

function render(api) {
  document.getElementById("about").textContent = api.info.description;
  const chapters = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const [chapter] = operation.tags;
      if (!chapters.has(chapter)) chapters.set(chapter, [make("h2", chapter)]);
      chapters.get(chapter).push(call(method, path, operation, api.components.schemas));
    }
  }
  document.getElementById("calls").replaceChildren(...[...chapters.values()].map((parts) => make("section", parts)));
}

fetch("/openapi.json")
  .then((response) => response.json())
  .then(render)
  .catch(() => document.getElementById("calls").replaceChildren(make("p", "The description could not be loaded.")));
