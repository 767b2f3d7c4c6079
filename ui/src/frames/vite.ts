import { runnerImport, type Plugin, type Rolldown } from "vite";

type Frames = typeof import("./frames");
type Frame = keyof ReturnType<Frames["frames"]>;

/** The pages that come with a frame, and whose scripts they ask for at once. */
const PAGES: Record<string, [frame: Frame, modules: readonly string[]]> = {
  "login.html": ["login", ["features/session/LoginPage"]],
  "list.html": ["list", ["features/servers/list/ServersPage"]],
  "server.html": ["inside", ["features/servers/page/ServerPage", "features/servers/page/OverviewTab"]],
  "inside.html": ["inside", []],
};
const ALWAYS = ["root", "draw"];
const EMPTY = /<div id="root">[^]*?<\/div>/;
const STYLESHEET = /\s*<link rel="stylesheet"[^>]*href="\/([^"]+)">/;

/**
 * Beside index.html pages of which something is seen before any script has come: the styles are in them, and a frame
 * that the page's own parts have drawn.
 */
export function framed(alias: Record<string, string>): Plugin {
  return {
    name: "hostler-frames",
    apply: "build",
    generateBundle: {
      order: "post",
      async handler(_, bundle) {
        const page = bundle["index.html"];
        if (page?.type !== "asset") throw new Error("there is no index.html to put frames into");
        const plain = withPatience(withStyles(String(page.source), bundle));
        page.source = asking(plain, bundle, ALWAYS);
        const drawn = await draw(alias);
        for (const [fileName, [frame, modules]] of Object.entries(PAGES)) {
          const source = asking(plain, bundle, [...ALWAYS, ...modules]);
          this.emitFile({ type: "asset", fileName, source: source.replace(EMPTY, () => within(drawn[frame])) });
        }
      },
    },
  };
}

async function draw(alias: Record<string, string>): Promise<Record<Frame, string>> {
  const file = new URL("./src/frames/frames.tsx", `file://${process.cwd()}/`).pathname;
  const { module } = await runnerImport<Frames>(file, { configFile: false, resolve: { alias } });
  return module.frames();
}

/** The page with its stylesheet inside: what is seen first waits for no second answer. */
function withStyles(html: string, bundle: Rolldown.OutputBundle): string {
  const [link, file = ""] = STYLESHEET.exec(html) ?? [];
  const sheet = bundle[file];
  if (!link || sheet?.type !== "asset") throw new Error("index.html has no stylesheet");
  delete bundle[file];
  return html.replace(link, () => `\n    <style>${String(sheet.source).trim()}</style>`);
}

/** The page with its scripts behind what is seen without them. */
function withPatience(html: string): string {
  return html.replaceAll(/(?<=<(?:script type="module"|link rel="modulepreload")) /g, ' fetchpriority="low" ');
}

/** The files that a module of a page is in, with those that they import. */
function scripts(bundle: Rolldown.OutputBundle, module: string): string[] {
  const chunks = Object.values(bundle).filter((each) => each.type === "chunk");
  const chunk = chunks.find(({ moduleIds }) => moduleIds.some((id) => id.includes(`/src/${module}.ts`)));
  if (!chunk) throw new Error(`no script has ${module}`);
  return closure(chunk.fileName, bundle);
}

function closure(file: string, bundle: Rolldown.OutputBundle, seen: string[] = []): string[] {
  const chunk = bundle[file];
  if (chunk?.type !== "chunk" || seen.includes(file)) return seen;
  return chunk.imports.reduce((found, each) => closure(each, bundle, found), [...seen, file]);
}

/** The page with the scripts of modules asked for at once, the longest first. */
function asking(html: string, bundle: Rolldown.OutputBundle, modules: readonly string[]): string {
  const files = new Set(modules.flatMap((module) => scripts(bundle, module)));
  const links = [...files]
    .filter((file) => !html.includes(file))
    .toSorted((a, b) => length(bundle, b) - length(bundle, a))
    .map((file) => `    <link rel="modulepreload" fetchpriority="low" crossorigin href="/${file}">\n`);
  return html.replace("  </head>", () => `${links.join("")}  </head>`);
}

function length(bundle: Rolldown.OutputBundle, file: string): number {
  const chunk = bundle[file];
  return chunk?.type === "chunk" ? chunk.code.length : 0;
}

const within = (frame: string) => `<div id="root">${frame}</div>`;
