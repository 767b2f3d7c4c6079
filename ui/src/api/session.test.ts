import { http, HttpResponse } from "msw";
import { beforeEach, expect, test, vi } from "vitest";
import { MockDb } from "@/mock/db";
import { customer } from "@/mock/fixtures";
import { handlers, hint, MockSession } from "@/mock/handlers";
import { network } from "@/mock/setup";
import { api, unwrap } from "./client";
import { ApiError, Unreachable } from "./errors";
import { restore } from "./session";

const refreshed = vi.fn<() => void>();

beforeEach(() => {
  refreshed.mockClear();
  document.cookie = hint(true);
  network.use(...handlers(new MockDb(), new MockSession(customer)));
  network.use(http.post("*/v1/token/refresh", () => void refreshed()));
});

const me = () => unwrap(api.GET("/v1/users/me"));
const refuse = () =>
  HttpResponse.json(
    { type: "about:blank", title: "Expired", status: 401, code: "unauthorized", request_id: "r" },
    { status: 401 },
  );

test("calls at the same time share one refresh", async () => {
  await Promise.all([me(), me(), me()]);
  expect(refreshed).toHaveBeenCalledTimes(1);
});

test("a refused token is refreshed once, and the call is repeated with its body", async () => {
  await me();
  network.use(http.post("*/v1/servers", refuse, { once: true }));
  const order = { name: "shop", plan: "pln_a", image: "img_a", location: "loc_a" };
  const answer = await unwrap(api.POST("/v1/servers", { body: order }));
  expect(answer).toMatchObject({ server: { name: "shop" } });
  expect(refreshed).toHaveBeenCalledTimes(2);
});

test("a session that is over is an ApiError 401, not an endless loop", async () => {
  network.use(http.post("*/v1/token/refresh", refuse));
  await expect(me()).rejects.toMatchObject({ status: 401 });
  await expect(me()).rejects.toBeInstanceOf(ApiError);
});

test("a visitor who never signed in here is known to be nobody without asking", async () => {
  document.cookie = hint(false);
  expect(await restore()).toBeNull();
  expect(refreshed).not.toHaveBeenCalled();
});

test("silence is not the same as being signed out", async () => {
  network.use(http.post("*/v1/token/refresh", () => HttpResponse.error()));
  await expect(restore()).rejects.toBeInstanceOf(Unreachable);
});

test("an answer that is no problem document still becomes an error with the request id", async () => {
  network.use(
    http.get("*/v1/users/me", () => new HttpResponse("<html>", { status: 502, headers: { "X-Request-Id": "req_5" } })),
  );
  await expect(me()).rejects.toMatchObject({ problem: { status: 502, request_id: "req_5" } });
});
