import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { ReadableStream as NodeStream } from "node:stream/web";
import { runnerImport, type Connect, type Plugin } from "vite";

function toRequest(message: IncomingMessage): Request {
  const bodyless = message.method === "GET" || message.method === "HEAD";
  return new Request(`http://mock${message.url}`, {
    method: message.method ?? "GET",
    headers: new Headers(message.headers as Record<string, string>),
    ...(bodyless ? {} : { body: Readable.toWeb(message) as unknown as ReadableStream, duplex: "half" }),
  } as RequestInit);
}

function reply(response: Response, to: ServerResponse): void {
  to.writeHead(response.status, Object.fromEntries(response.headers));
  if (!response.body) return void to.end();
  const body = Readable.fromWeb(response.body as unknown as NodeStream);
  to.on("close", () => body.destroy());
  body.on("error", () => to.end()).pipe(to);
}

type Backend = typeof import("./backend");

/** Answers /v1 from the same handlers that the tests use, so that the dashboard runs without a service. */
export function mockApi(alias: Record<string, string>): Plugin {
  const file = new URL("./src/mock/backend.ts", `file://${process.cwd()}/`).pathname;
  const serve = async (server: { middlewares: Connect.Server }) => {
    const { module } = await runnerImport<Backend>(file, { configFile: false, resolve: { alias } });
    const middleware: Connect.NextHandleFunction = (message, to, next) => {
      if (!message.url?.startsWith("/v1")) return next();
      void module.answer(toRequest(message)).then((response) => reply(response, to), next);
    };
    server.middlewares.use(middleware);
  };
  return { name: "hostler-mock-api", configureServer: serve, configurePreviewServer: serve };
}
