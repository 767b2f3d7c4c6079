// A customer's afternoon in the dashboard, in Chromium: `node story.mjs '{"url","email","password","reboot","pictures"}'`.
// Prints one JSON line per chapter as it is reached; elements are found by role and accessible name alone.
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../../ui/package.json", import.meta.url))("playwright-core");
const given = JSON.parse(process.argv[2]);
const CREATE_MS = 240_000;
const tell = (chapter, facts = {}) => console.log(JSON.stringify({ chapter, ...facts }));

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
page.setDefaultTimeout(30_000);
const complaints = [];
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("console", (message) => {
  // A refused request is the page's own matter (the first visit has no session); anything else is a mistake.
  if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
});

const button = (name) => page.getByRole("button", { name, exact: true });
// What the page announces about the server; a button may say the same words.
const status = (text, timeout = 60_000) =>
  page.locator("header").getByRole("status").getByText(text, { exact: true }).first().waitFor({ timeout });
const picture = async (name) => (given.pictures ? page.screenshot({ path: `${given.pictures}/${name}.png` }) : null);
const heading = (name) => page.getByRole("heading", { name, exact: true }).waitFor();
const serverId = () => page.url().match(/srv_[0-9a-f]{32}/)?.[0];

async function signIn() {
  await page.goto(`${given.url}/servers`);
  await page.getByLabel("Email").fill(given.email);
  await page.getByLabel("Password").fill(given.password);
  await picture("sign-in");
  await button("Sign in").click();
  await page.getByRole("table", { name: "Servers" }).waitFor();
  tell("signed in");
}

async function readList() {
  const rows = page.getByRole("table", { name: "Servers" }).getByRole("row");
  await rows.nth(1).waitFor();
  await picture("servers");
  tell("list", { rows: await rows.allInnerTexts() });
}

async function reboot() {
  await page.getByRole("link", { name: given.reboot, exact: true }).click();
  await heading(given.reboot);
  await status("Running");
  await button("Reboot").click();
  await status("Rebooting…");
  tell("went");
  await status("Running");
  tell("came back", { server: serverId() });
}

async function order(name) {
  await page.getByRole("link", { name: "Servers", exact: true }).first().click();
  await button("Create server").click();
  await page.getByRole("radio", { name: "Debian 12" }).check();
  await page.getByRole("radio", { name: /^VPS S/ }).check();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByText("This can be created now.").waitFor();
  await picture("create");
  await button("Create server").click();
  await heading(name);
  return page.getByRole("list", { name: "Steps" }).getByRole("listitem");
}

async function create() {
  const steps = await order("from-browser");
  await steps.filter({ hasText: /Wait for the network: (Now|Waiting)/ }).waitFor({ timeout: CREATE_MS });
  await picture("progress");
  await status("Running", CREATE_MS);
  await steps.filter({ hasText: "Wait for the network: Done" }).waitFor();
  await picture("running");
  tell("created", { server: serverId(), steps: await steps.allInnerTexts(), page: await page.getByRole("main").innerText() });
}

async function createAmidAKill() {
  const steps = await order("survivor");
  await steps.filter({ hasText: "Copy the operating system" }).waitFor();
  tell("under way", { server: serverId() });
  await status("Running", CREATE_MS);
  tell("survived", { server: serverId() });
}

async function terminate(name) {
  await button("Terminate").click();
  const dialog = page.getByRole("alertdialog");
  await dialog.getByRole("textbox").fill(name);
  await picture("terminate");
  await dialog.getByRole("button", { name: "Terminate", exact: true }).click();
  await status("Terminating", 120_000);
}

async function end() {
  await button("Shut down").click();
  await status("Stopped", 120_000);
  tell("shut down");
  await terminate("survivor");
  await button("Undo termination").click();
  await status("Stopped", 120_000);
  tell("undone");
  await terminate("survivor");
  await status("Terminated", 120_000);
  tell("purged", { server: serverId() });
}

async function history() {
  await page.getByRole("link", { name: "History", exact: true }).click();
  const entries = page.getByRole("list", { name: "History" }).getByRole("listitem");
  await entries.first().waitFor();
  await picture("history");
  tell("history", { entries: await entries.allInnerTexts() });
}

async function signOut() {
  await button("Sign out").click();
  await button("Sign in").waitFor();
  tell("signed out", { complaints });
}

try {
  for (const chapter of [signIn, readList, reboot, create, createAmidAKill, end, history, signOut]) await chapter();
} catch (error) {
  await picture("failure");
  tell("failure", { error: String(error), text: await page.locator("body").innerText(), complaints });
  process.exitCode = 1;
} finally {
  await browser.close();
}
