// Pictures of the running demo for docs/tour.md: `node tour.mjs "$(cat var/demo.json)" FOLDER`.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { button, given, launch, open, signIn, status } from "./browser.mjs";

const folder = process.argv[3];
const QUALITY = 72;
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
mkdirSync(folder, { recursive: true });

const browser = await launch();
const who = (address) => given.users.find(({ email }) => email === address);
const ALICE = "alice@example.com";
const SERVER = "web1.alice.example.com";

/** What is in sight, once nothing of it is an outline any more. */
async function picture(page, name) {
  await page.waitForFunction(() => !document.querySelector(".animate-pulse"));
  await page.evaluate(() => document.fonts.ready);
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: QUALITY });
  writeFileSync(join(folder, `${name}.webp`), Buffer.from(data, "base64"));
  await session.detach();
}

/** Open an address of the dashboard and wait for a text of it. */
async function visit(page, path, text) {
  await page.goto(given.url + path);
  await page.getByText(text).first().waitFor();
}

async function customer() {
  const { page } = await open(browser, DESK);
  await page.goto(`${given.url}/login`);
  await button(page, "Sign in").waitFor();
  await picture(page, "sign-in");
  await signIn(page, who(ALICE));
  await page.getByRole("link", { name: SERVER }).waitFor();
  await picture(page, "servers");
  await order(page);
  await page.getByRole("link", { name: "Servers", exact: true }).first().click();
  await page.getByRole("link", { name: SERVER }).click();
  await status(page, "Running");
  const server = new URL(page.url()).pathname;
  await page.getByText("Lately").waitFor();
  await picture(page, "server");
  await visit(page, `${server}/console`, "Connected.");
  await page.waitForFunction(hasLight);
  await picture(page, "console");
  await visit(page, `${server}/graphs`, "As a table");
  await picture(page, "graphs");
  await visit(page, `${server}/backups`, "Take snapshot");
  await picture(page, "backups");
  await button(page, "Terminate").click();
  await page.getByRole("alertdialog").waitFor();
  await picture(page, "terminate");
  await visit(page, "/account/security", "Two-factor");
  await picture(page, "security");
  return server;
}

/** A screen that shows something. */
const hasLight = () => {
  const canvas = document.querySelector("canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, n) => n % 4 < 3 && value > 90);
};

async function order(page) {
  await button(page, "Create server").click();
  await page.getByRole("radio", { name: "Debian 12" }).check();
  await page.getByRole("radio", { name: /^VPS M/ }).check();
  await page.getByLabel("Name", { exact: true }).fill(`tour-${Date.now() % 100_000}.alice.example.com`);
  await page.getByText("This can be created now.").waitFor();
  await picture(page, "create");
  await button(page, "Create server").click();
  await page.getByRole("list", { name: "Steps" }).waitFor();
  await picture(page, "progress");
}

async function staff(server) {
  const { page } = await open(browser, DESK);
  await signIn(page, who("admin@example.com"));
  await page.getByRole("row").nth(2).waitFor();
  await picture(page, "all-servers");
  await visit(page, "/admin", "Room for servers");
  await picture(page, "staff");
  await visit(page, "/admin/drift", "Show ignored ones");
  await page
    .getByRole("list", { name: "Drift" })
    .or(page.getByRole("heading", { level: 2 }))
    .first()
    .waitFor();
  await picture(page, "drift");
  const at = new Date(Date.now() - 60_000).toISOString();
  await visit(page, `/admin/time-machine?about=${server.split("/").at(-1)}&at=${at}`, "What happened since");
  await picture(page, "time-machine");
  await page.goto(`${given.url}/admin/imports`);
  await page
    .getByRole("link", { name: /^Import of/ })
    .last()
    .click();
  await page.getByText("What becomes of each row").waitFor();
  await picture(page, "import");
  await visit(page, "/admin/health", "Read models");
  await picture(page, "health");
}

async function phone(server) {
  const { page } = await open(browser, PHONE);
  await page.emulateMedia({ colorScheme: "dark" });
  await signIn(page, who(ALICE));
  await page.getByRole("link", { name: SERVER }).waitFor();
  await picture(page, "phone-servers");
  await visit(page, server, "Lately");
  await picture(page, "phone-server");
}

try {
  const server = await customer();
  await staff(server);
  await phone(server);
} finally {
  await browser.close();
}
