import { runnerImport, type Plugin, type Rolldown } from "vite";

type Frames = typeof import("./frames");
type Frame = keyof ReturnType<Frames["frames"]>;

/** The pages that come with a frame, and whose scripts they ask for at once. */
const PAGES: Record<string, [frame: Frame, modules: readonly string[]]> = {
  "login.html": ["login", ["session/LoginPage"]],
  "list.html": ["list", ["servers/list/ServersPage"]],
  "server.html": ["inside", ["servers/page/ServerPage", "servers/page/OverviewTab"]],
  "inside.html": ["inside", []],
};
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
        page.source = withPatience(withStyles(String(page.source), bundle));
        const drawn = await draw(alias);
        for (const [fileName, [frame, modules]] of Object.entries(PAGES)) {
          const preloads = modules.flatMap((module) => scripts(bundle, module)).filter(unless(page.source));
          this.emitFile({ type: "asset", fileName, source: put(page.source, drawn[frame], preloads) });
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
  const chunk = chunks.find(({ moduleIds }) => moduleIds.some((id) => id.endsWith(`/src/features/${module}.tsx`)));
  if (!chunk) throw new Error(`no script has ${module}`);
  return [chunk.fileName, ...chunk.imports];
}

const unless = (html: string) => (file: string, at: number, files: string[]) =>
  files.indexOf(file) === at && !html.includes(file);

function put(html: string, frame: string, preloads: string[]): string {
  const links = preloads.map((file) => `<link rel="modulepreload" fetchpriority="low" crossorigin href="/${file}">`);
  return html
    .replace("</head>", () => `${links.join("")}</head>`)
    .replace(EMPTY, () => `<div id="root">${frame}</div>`);
}
