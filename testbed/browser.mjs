// A browser for the stories: what is given on the command line, a page that collects complaints, lines that tell.
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../ui/package.json", import.meta.url))("playwright-core");
export const given = JSON.parse(process.argv[2]);
export const tell = (chapter, facts = {}) => console.log(JSON.stringify({ chapter, ...facts }));

/** Chromium as on a machine without a screen. */
export const launch = () =>
  chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });

/** A page of somebody of their own, and what it complains of. */
export async function open(browser, viewport = { width: 1440, height: 900 }) {
  const page = await (await browser.newContext({ viewport })).newPage();
  page.setDefaultTimeout(30_000);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // A refused request is the page's own matter; anything else is a mistake.
    const refused = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !refused) complaints.push(message.text());
  });
  return { page, complaints };
}

export const button = (page, name) => page.getByRole("button", { name, exact: true });
export const heading = (page, name) => page.getByRole("heading", { name, exact: true }).waitFor();

/** What the page announces about the server; a button may say the same words. */
export const status = (page, text, timeout = 60_000) =>
  page.locator("header").getByRole("status").getByText(text, { exact: true }).first().waitFor({ timeout });

/** As many as are passed on a page before somebody gives up. */
const MOST_STEPS = 120;

const isFocused = (element) => element.evaluate((node) => node === document.activeElement);

/** Go to something as those do who have no mouse: by Tab, from where the focus is. */
async function reach(page, element) {
  await element.waitFor();
  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    if (await isFocused(element)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`no key leads to ${element}`);
}

export async function press(page, element) {
  await reach(page, element);
  await page.keyboard.press("Enter");
}

export async function type(page, element, text) {
  await reach(page, element);
  await page.keyboard.type(text);
}

/** One of a group: Tab leads to the group, arrows within it. */
export async function choose(page, radio) {
  await radio.waitFor();
  const group = await radio.getAttribute("name");
  const inGroup = (name) => document.activeElement?.getAttribute("name") === name;
  for (let steps = 0; steps < MOST_STEPS && !(await isFocused(radio)); steps += 1)
    await page.keyboard.press((await page.evaluate(inGroup, group)) ? "ArrowDown" : "Tab");
  if (!(await radio.isChecked())) await page.keyboard.press("Space");
}

export async function signIn(page, { email, password }) {
  await page.goto(`${given.url}/servers`);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await button(page, "Sign in").click();
  await page.getByRole("table", { name: "Servers" }).waitFor();
}

/** Run the chapters; what stops one is told with what was on the page. */
export async function story(browser, page, complaints, chapters) {
  try {
    for (const chapter of chapters) await chapter();
  } catch (error) {
    if (given.pictures) await page.screenshot({ path: `${given.pictures}/failure.png` });
    tell("failure", { error: String(error), text: await page.locator("body").innerText(), complaints });
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}
