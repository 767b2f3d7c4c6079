import { screen, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { aServer } from "@/mock/fixtures";
import { openServer } from "@/mock/serverPage";

test("an address has all that is needed to set it up, to be copied", async () => {
  const ips = [
    {
      address: "203.0.113.9",
      prefix: 26,
      gateway: "203.0.113.1",
      family: 4 as const,
      primary: true,
      rdns: "a.example",
    },
    { address: "2001:db8::9", prefix: 64, gateway: null, family: 6 as const, primary: false, rdns: null },
  ];
  const { user } = await openServer(aServer({ ips }), "/network");
  const first = await screen.findByRole("region", { name: "IPv4 · Primary" });
  for (const text of ["203.0.113.9/26", "255.255.255.192", "203.0.113.1", "a.example"])
    expect(first).toHaveTextContent(text);
  const second = screen.getByRole("region", { name: "IPv6" });
  expect(second).toHaveTextContent("Reverse DNSNot set");
  expect(second).not.toHaveTextContent("Netmask");
  await user.click(within(second).getByRole("button", { name: "Copy Address 2001:db8::9" }));
  expect(await navigator.clipboard.readText()).toBe("2001:db8::9");
});

test("without an address it says when there will be one", async () => {
  await openServer(aServer({ ips: [] }), "/network");
  expect(await screen.findByText("It has no address yet")).toBeVisible();
});
