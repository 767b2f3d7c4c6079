// Every page of the dashboard: read by axe in both themes, and at 320 px: `node pages.mjs '{"url","staff","server"}'`.
import { readFileSync } from "node:fs";
import { given, launch, open, signIn, story, tell } from "../../testbed/browser.mjs";
import { patterns } from "./routes.mjs";

const NARROW = { width: 320, height: 800 };
const WIDE = { width: 1440, height: 900 };
const PUBLIC = /^\/(login|password|invitations)/;
const axe = readFileSync(new URL("../../ui/node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

const browser = await launch();
const { page, complaints } = await open(browser, WIDE);
// Whoever is interrupted in fading is read as of low contrast.
await page.emulateMedia({ reducedMotion: "reduce" });
const pending = new Set();
page.on("request", (request) => request.url().includes("/v1/events") || pending.add(request));
for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => pending.delete(request));

/** The scripts are there, nothing is asked for any more, and nothing is only an outline of what is to come. */
async function settled() {
  const outline = "fieldset[inert], .animate-pulse";
  const drawn = (not) => document.getElementById("root").innerText.trim() && !document.querySelector(not);
  const idle = () => new Promise((done) => requestIdleCallback(() => done()));
  do {
    await page.waitForFunction(drawn, outline);
    await page.evaluate(idle); // a page that has just come asks for what it shows
  } while (pending.size > 0);
}

async function visit(path) {
  await page.goto(given.url + path);
  await settled();
}

/** A pattern with the ids of what there is: that of the server, or those that its parent page links to. */
async function address(pattern) {
  const known = pattern.replace("/servers/:id", `/servers/${given.server}`);
  const [before, rest] = known.split(/:[^/]+/, 2);
  if (rest === undefined) return known;
  await visit(before.replace(/\/$/, ""));
  const links = await page.locator(`a[href^="${before}"]`).evaluateAll((all) => all.map((a) => a.getAttribute("href")));
  const found = links.find((href) => /^[a-z]+_[0-9a-f]{32}/.test(href.slice(before.length)));
  if (!found) throw new Error(`${before} links to nothing that ${pattern} could show`);
  return before + found.slice(before.length).split("/")[0] + rest;
}

async function violations(rules) {
  const found = await page.evaluate((only) => window.axe.run(only ? { runOnly: only } : {}), rules);
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
}

async function look(pattern) {
  const path = await address(pattern);
  await visit(path);
  const wrong = [];
  await page.evaluate(axe);
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  wrong.push(...(await violations()));
  await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
  wrong.push(...(await violations(["color-contrast"])).map((found) => `dark: ${found}`));
  await page.setViewportSize(NARROW);
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (beyond > 0) wrong.push(`${beyond} px wider than 320`);
  await page.setViewportSize(WIDE);
  tell("page", { pattern, path: new URL(page.url()).pathname, wrong });
}

const all = await patterns();

async function strangers() {
  for (const pattern of all.filter((each) => PUBLIC.test(each))) await look(pattern);
}

async function staff() {
  await signIn(page, given.staff);
  for (const pattern of all.filter((each) => !PUBLIC.test(each))) await look(pattern);
  tell("all", { complaints, patterns: all });
}

await story(browser, page, complaints, [strangers, staff]);
