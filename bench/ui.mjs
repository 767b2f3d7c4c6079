// What the browser sees of the dashboard: `node ui.mjs '{"url","email","password","server","servers","samples"}'`.
// Prints one JSON line per figure, and one per change that it sees on the page of the server.
import { gzipSync } from "node:zlib";
import { given, launch, open, signIn, story, tell } from "../testbed/browser.mjs";

const browser = await launch();
const { page, complaints } = await open(browser);

/** Browsers tell of tasks that take more than 50 ms; 0: there was none. */
const watchTasks = () => {
  window.tasks = [0];
  new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
    type: "longtask",
  });
};

async function load() {
  await signIn(page, given);
  const scripts = new Map();
  const keep = async (answer) =>
    /\.js$/.test(answer.url()) && scripts.set(answer.url(), gzipSync(await answer.body()).length);
  page.on("response", keep);
  await page.reload();
  await page.getByRole("table", { name: "Servers" }).getByRole("row").nth(1).waitFor();
  page.off("response", keep);
  const bytes = [...scripts.values()].reduce((sum, size) => sum + size, 0);
  tell("load", { kb: bytes / 1000, files: scripts.size });
}

const rowCount = () => Number(document.querySelector("table").getAttribute("aria-rowcount"));

async function list() {
  await page.evaluate(watchTasks);
  await page.mouse.move(700, 500);
  // To the end, and further as more of it is read.
  while ((await page.evaluate(rowCount)) < 0) await page.mouse.wheel(0, 20_000);
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
  const status = page.locator("header").getByRole("status").filter({ hasText: "Running" });
  await status.waitFor();
  const all = status.evaluate(
    (element, samples) =>
      new Promise((done) => {
        let [count, shown] = [0, "Running"];
        const drawn = () => {
          const text = element.innerText.trim();
          if (text === shown) return;
          window.seen(performance.timeOrigin + performance.now(), (shown = text));
          if (++count === samples) done();
        };
        const options = { childList: true, subtree: true, characterData: true };
        new MutationObserver(() => requestAnimationFrame(drawn)).observe(element, options);
      }),
    given.samples,
  );
  tell("watching");
  await all;
}

await story(browser, page, complaints, [load, list, watch]);
