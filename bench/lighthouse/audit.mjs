// Lighthouse's scores of three pages: `node audit.mjs '{"url","email","password","server"}'`.
// Prints one JSON line with the scores (0 to 100) of each, on a telephone and on a desk, and what cost any of them a
// point but speed.
import { createRequire } from "node:module";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import lighthouse, { desktopConfig } from "lighthouse";

const { chromium } = createRequire(new URL("../../ui/package.json", import.meta.url))("playwright-core");
const given = JSON.parse(process.argv[2]);
const PAGES = { "sign-in": "/login", list: "/servers", server: `/servers/${given.server}` };
const DEVICES = { mobile: undefined, desktop: desktopConfig };
const CATEGORIES = ["performance", "accessibility", "best-practices"];

const profile = mkdtempSync(join(tmpdir(), "hostler-lighthouse-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--remote-debugging-port=0"],
});

/** Where Lighthouse finds the browser: in the browser that it drives, somebody is signed in. */
const port = () => Number(readFileSync(join(profile, "DevToolsActivePort"), "utf8").split("\n")[0]);

async function audit(path, device) {
  const { lhr } = await lighthouse(given.url + path, { port: port(), onlyCategories: CATEGORIES }, DEVICES[device]);
  const lost = ["accessibility", "best-practices"].flatMap((name) =>
    lhr.categories[name].auditRefs.filter(({ id, weight }) => weight > 0 && lhr.audits[id].score !== 1),
  );
  const scores = CATEGORIES.map((name) => [name, Math.round(lhr.categories[name].score * 100)]);
  const times = ["first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift"];
  const shown = times.map((id) => [id, lhr.audits[id].displayValue]);
  return { ...Object.fromEntries(scores), lost: lost.map(({ id }) => id), ...Object.fromEntries(shown) };
}

const told = {};
try {
  for (const [name, path] of Object.entries(PAGES)) {
    const { email, password } = given;
    if (name === "list") await context.request.post(`${given.url}/v1/login`, { data: { email, password } });
    for (const device of Object.keys(DEVICES)) told[`${device}_${name}`] = await audit(path, device);
  }
  console.log(JSON.stringify(told));
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
