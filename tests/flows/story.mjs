// A customer's afternoon in the dashboard, without a mouse: `node story.mjs '{"url","email","password","reboot","pictures"}'`.
// Prints one JSON line per chapter as it is reached; elements are found by role and accessible name alone.
import * as browsing from "../../testbed/browser.mjs";
import { given, launch, open, story, tell } from "../../testbed/browser.mjs";

const CREATE_MS = 240_000;
/** Lines of pixels with letters on them: a prompt alone has fewer, twenty lines of text have more. */
const PROMPT_PX = 60;
const TWENTY_LINES_PX = 150;

const browser = await launch();
const { page, complaints } = await open(browser);
const button = (name) => browsing.button(page, name);
const heading = (name) => browsing.heading(page, name);
const status = (text, timeout) => browsing.status(page, text, timeout);
const press = (element) => browsing.press(page, element);
const type = (element, text) => browsing.type(page, element, text);
const choose = (name) => browsing.choose(page, page.getByRole("radio", { name }));
const link = (name) => page.getByRole("link", { name, exact: true }).first();
const picture = async (name) => (given.pictures ? page.screenshot({ path: `${given.pictures}/${name}.png` }) : null);
const serverId = () => page.url().match(/srv_[0-9a-f]{32}/)?.[0];

async function signIn() {
  await page.goto(`${given.url}/servers`);
  await type(page.getByLabel("Email"), given.email);
  await type(page.getByLabel("Password"), given.password);
  await picture("sign-in");
  await page.keyboard.press("Enter");
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
  await press(link(given.reboot));
  await heading(given.reboot);
  await status("Running");
  await press(button("Reboot"));
  await status("Rebooting…");
  tell("went");
  await status("Running");
  tell("came back", { server: serverId() });
}

async function order(name) {
  await press(link("Servers"));
  await press(button("Create server"));
  await choose("Debian 12");
  await choose(/^VPS S/);
  await type(page.getByLabel("Name", { exact: true }), name);
  await page.getByText("This can be created now.").waitFor();
  await picture("create");
  await press(button("Create server"));
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
  tell("created", {
    server: serverId(),
    steps: await steps.allInnerTexts(),
    page: await page.getByRole("main").innerText(),
  });
}

/** Whether between so many lines of the screen's pixels have light in them. */
const lit = ([least, most]) => {
  const canvas = document.querySelector("canvas");
  const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const bright = (y) => data.subarray(y * width * 4, (y + 1) * width * 4).some((value, n) => n % 4 < 3 && value > 90);
  const lines = Array.from({ length: height }, (_, y) => y).filter(bright).length;
  return least <= lines && lines <= most;
};

/** The guest itself answers what is typed. */
async function atTheConsole() {
  await press(link("Console"));
  await page.getByText("Connected. What you type goes to the server.").waitFor();
  await page.keyboard.type("clear\n");
  await page.waitForFunction(lit, [1, PROMPT_PX]);
  await page.keyboard.type("seq 20\n");
  await page.waitForFunction(lit, [TWENTY_LINES_PX, 10_000]);
  await picture("console");
  for (const key of ["Control", "Alt", "Shift"]) await page.keyboard.down(key); // which lets go of the keyboard
  for (const key of ["Shift", "Alt", "Control"]) await page.keyboard.up(key);
  await button("Ctrl + Alt + Del").and(page.locator(":focus")).waitFor();
  tell("answered");
}

async function createAmidAKill() {
  const steps = await order("survivor");
  await steps.filter({ hasText: "Copy the operating system" }).waitFor();
  tell("under way", { server: serverId() });
  await status("Running", CREATE_MS);
  tell("survived", { server: serverId() });
}

async function terminate(name) {
  await press(button("Terminate"));
  const dialog = page.getByRole("alertdialog");
  await type(dialog.getByRole("textbox"), name);
  await picture("terminate");
  await press(dialog.getByRole("button", { name: "Terminate", exact: true }));
  await status("Terminating", 120_000);
}

async function end() {
  await press(button("Shut down"));
  await status("Stopped", 120_000);
  tell("shut down");
  await terminate("survivor");
  await press(button("Undo termination"));
  await status("Stopped", 120_000);
  tell("undone");
  await terminate("survivor");
  await status("Terminated", 120_000);
  tell("purged", { server: serverId() });
}

async function history() {
  await press(link("History"));
  const entries = page.getByRole("list", { name: "History" }).getByRole("listitem");
  await entries.first().waitFor();
  await picture("history");
  tell("history", { entries: await entries.allInnerTexts() });
}

async function signOut() {
  await press(button("Sign out"));
  await button("Sign in").waitFor();
  tell("signed out", { complaints });
}

const chapters = [signIn, readList, reboot, create, atTheConsole, createAmidAKill, end, history, signOut];
await story(browser, page, complaints, chapters);
