// What the browser sees of the dashboard: `node ui.mjs '{"url","email","password","server","servers"}'`.
// Prints one JSON line per figure, and one per change that it sees on the page of the server.
import { given, launch, open, signIn, story, tell } from "../testbed/browser.mjs";

const browser = await launch();
const { page, complaints } = await open(browser);
const LIMIT_MS = 120_000;

/** Where a visit begins, and what is there as soon as somebody can go on. */
const VISITS = {
  "sign-in": ["/login", (page) => page.getByRole("button", { name: "Sign in", exact: true })],
  list: ["/servers", (page) => page.getByRole("table", { name: "Servers" }).getByRole("row").nth(1)],
  server: [`/servers/${given.server}`, (page) => page.getByRole("region", { name: "Specifications" })],
};

/** Somebody who was never here: all scripts that are asked for until they can go on, as gzip brings them. */
async function visit(name) {
  const [path, usable] = VISITS[name];
  const { page } = await open(browser);
  await page.setExtraHTTPHeaders({ "Accept-Encoding": "gzip" });
  // The cookie of a session is all that they bring.
  if (name !== "sign-in") await page.context().request.post(`${given.url}/v1/login`, { data: credentials(given) });
  const scripts = [];
  page.on("request", (request) => request.resourceType() === "script" && scripts.push(request));
  await page.goto(given.url + path);
  await usable(page).waitFor();
  const asked = [...scripts];
  for (const script of asked) await (await script.response()).finished();
  const sizes = await Promise.all(asked.map((script) => script.sizes()));
  await page.context().close();
  return { kb: sizes.reduce((sum, { responseBodySize }) => sum + responseBodySize, 0) / 1000, files: asked.length };
}

const credentials = ({ email, password }) => ({ email, password });

async function load() {
  const told = {};
  for (const name of Object.keys(VISITS)) told[name] = await visit(name);
  tell("load", told);
}

/** Browsers tell of tasks that take more than 50 ms; 0: there was none. */
const watchTasks = () => {
  window.tasks = [0];
  new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
    type: "longtask",
  });
};

const rowCount = () => Number(document.querySelector("table").getAttribute("aria-rowcount"));

async function list() {
  await signIn(page, given);
  await page.evaluate(watchTasks);
  await page.mouse.move(700, 500);
  // To the end, and further as more of it is read.
  const limit = Date.now() + LIMIT_MS;
  while ((await page.evaluate(rowCount)) < 0) {
    if (Date.now() > limit) throw new Error(`not all of the list was read within ${LIMIT_MS} ms`);
    await page.mouse.wheel(0, 20_000);
  }
  for (let up = 0; up < 20; up += 1) await page.mouse.wheel(0, -30_000);
  const search = page.getByRole("searchbox", { name: "Search" });
  await search.pressSequentially("vps12");
  await page.getByRole("row").filter({ hasText: "vps12" }).first().waitFor();
  await search.fill("");
  await page.getByLabel("Status").selectOption({ label: "Running" });
  await page.getByRole("row").filter({ hasText: "Running" }).first().waitFor();
  const tasks = await page.evaluate(() => window.tasks);
  tell("list", { ms: Math.max(...tasks), servers: given.servers, over: tasks.length - 1 });
}

async function watch() {
  await page.exposeFunction("seen", (at, text) => tell("seen", { at, text }));
  await page.goto(`${given.url}/servers/${given.server}`);
  const status = page.getByRole("main").locator("header").getByRole("status");
  await status.filter({ hasText: "Running" }).waitFor();
  await status.evaluate((element) => {
    let shown = "Running";
    const drawn = () => {
      const text = element.innerText.trim();
      if (text !== shown) window.seen(performance.timeOrigin + performance.now(), (shown = text));
    };
    const options = { childList: true, subtree: true, characterData: true };
    new MutationObserver(() => requestAnimationFrame(drawn)).observe(element, options);
  });
  tell("watching");
  // Whoever changes the server says by closing this that all changes were seen.
  for await (const _ of process.stdin);
}

await story(browser, page, complaints, [load, list, watch]);
