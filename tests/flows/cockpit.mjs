// Staff and two customers beside each other: `node cockpit.mjs '{"url","staff","customer","stranger","server","name"}'`.
// Somebody kills the service when "open" is told; elements are found by role and accessible name alone.
import { button, given, heading, launch, open, signIn, status, story, tell } from "../../testbed/browser.mjs";

const browser = await launch();
const staff = await open(browser);
const customer = await open(browser);
const stranger = await open(browser);
const complaints = [];
const server = `${given.url}/servers/${given.server}`;
/** A service that was killed takes its time to begin on a busy machine. */
const OUTAGE_MS = 120_000;
const TABS = ["", "/console", "/graphs", "/network", "/backups", "/history", "/settings", "/operations", "/staff"];

const main = (page) => page.getByRole("main").innerText();
const link = (page, name) => page.getByRole("link", { name, exact: true });
const row = (page, name) => page.getByRole("row").filter({ has: page.getByRole("rowheader", { name, exact: true }) });

async function everybodySignsIn() {
  await signIn(staff.page, given.staff);
  await signIn(customer.page, given.customer);
  await signIn(stranger.page, given.stranger);
  await customer.page.goto(server);
  await status(customer.page, "Running");
}

async function anotherCustomersAddress() {
  const shown = [];
  for (const tab of TABS) {
    await stranger.page.goto(server + tab);
    await heading(stranger.page, "There is no such server");
    shown.push(await stranger.page.locator("body").innerText());
  }
  await stranger.page.goto(`${given.url}/admin`);
  await heading(stranger.page, "This page is for staff");
  tell("stranger", { shown });
}

/** What is open stays as it is while the service is away, and goes on by itself. */
async function outage() {
  const { page } = customer;
  const away = page.getByText("Live updates are interrupted");
  const before = await main(page);
  tell("open");
  await away.waitFor();
  const meanwhile = await main(page);
  await away.waitFor({ state: "hidden", timeout: OUTAGE_MS });
  await button(page, "Reboot").click();
  await status(page, "Rebooting…");
  await status(page, "Running");
  tell("back", { before, meanwhile });
}

async function suspend() {
  const { page } = staff;
  await page.goto(`${server}/staff`);
  await button(page, "Suspend").click();
  const dialog = page.getByRole("alertdialog");
  await dialog.getByRole("radio", { name: /^Abuse/ }).check();
  await dialog.getByRole("button", { name: "Suspend", exact: true }).click();
  await status(customer.page, "Suspended");
  await customer.page.getByTitle("Not possible while the status is “Suspended”.").first().waitFor();
  tell("suspended", {
    seen: await main(customer.page),
    why: await button(customer.page, "Start").getAttribute("title"),
  });
  await button(page, "Lift: Abuse").click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Lift", exact: true }).click();
  await status(customer.page, "Running");
}

async function timeMachine() {
  const { page } = staff;
  await link(page, "In the time machine").click();
  await button(page, "An hour ago").click();
  const entry = page.getByRole("listitem").filter({ hasText: "Suspended" }).first();
  await entry.getByRole("button", { name: "Go to this moment" }).click();
  const change = row(page, "Status").first();
  await change.waitFor();
  tell("past", { change: await change.innerText(), then: await page.getByRole("main").innerText() });
}

async function importReport() {
  const { page } = staff;
  await link(page, "Imports").click();
  await page.getByRole("link", { name: "Import of whmcs" }).last().click();
  const servers = row(page, "Servers");
  await servers.waitFor();
  tell("report", { servers: await servers.innerText(), page: await page.getByRole("main").innerText() });
  complaints.push(...staff.complaints, ...customer.complaints, ...stranger.complaints);
  tell("end", { complaints });
}

const chapters = [everybodySignsIn, anotherCustomersAddress, outage, suspend, timeMachine, importReport];
await story(browser, staff.page, complaints, chapters);
