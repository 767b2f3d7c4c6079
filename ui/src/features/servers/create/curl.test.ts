import { expect, test } from "vitest";
import { asCurl } from "./curl";

const order = { name: "shop", plan: "pln_a", image: "img_a", location: "loc_a" };

test("an order is one command, with the token and no password in it", () => {
  const command = asCurl({ ...order, password: "s3cret-word" }, "https://vps.example");
  expect(command.split(" \\\n  ")).toEqual([
    "curl -X POST https://vps.example/v1/servers",
    '-H "Authorization: Bearer $HOSTLER_TOKEN"',
    '-H "Content-Type: application/json"',
    `-d '{"name":"shop","plan":"pln_a","image":"img_a","location":"loc_a","password":"…"}'`,
  ]);
});

test("a quote stays what it is", () => {
  expect(asCurl({ ...order, labels: { note: "it's" } }, "")).toContain(`"it'\\''s"`);
});
