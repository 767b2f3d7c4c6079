import { expect, test } from "vitest";
import { paths, safeNext } from "./paths";

test("the URLs are these", () => {
  expect(paths.login()).toBe("/login");
  expect(paths.login("/servers?q=a&b")).toBe("/login?next=%2Fservers%3Fq%3Da%26b");
  expect(paths.invitation()).toBe("/invitations/accept");
  expect(paths.accountMembers()).toBe("/account/members");
  expect(paths.accountMembers("acc_1")).toBe("/account/members?account=acc_1");
  expect(paths.accountWebhooks()).toBe("/account/webhooks");
  expect(paths.accountWebhook("whk_1", "acc_1")).toBe("/account/webhooks/whk_1?account=acc_1");
  expect(paths.adminWebhook("whk_1")).toBe("/admin/webhooks/whk_1");
  expect(paths.servers()).toBe("/servers");
  expect(paths.newServer()).toBe("/servers/new");
  expect(paths.server("srv_1")).toBe("/servers/srv_1");
  expect(paths.serverOperation("srv_1", "op_2")).toBe("/servers/srv_1/operations/op_2");
  expect(paths.serverOperations("srv_1")).toBe("/servers/srv_1/operations");
  expect(paths.serverGraphs("srv_1")).toBe("/servers/srv_1/graphs");
  expect(paths.serverNetwork("srv_1")).toBe("/servers/srv_1/network");
  expect(paths.serverBackups("srv_1")).toBe("/servers/srv_1/backups");
  expect(paths.serverSettings("srv_1")).toBe("/servers/srv_1/settings");
  expect(paths.serverStaff("srv_1")).toBe("/servers/srv_1/staff");
  expect(paths.admin()).toBe("/admin");
  expect(paths.adminOperations()).toBe("/admin/operations");
  expect(paths.adminCapacity()).toBe("/admin/capacity");
  expect(paths.adminPlans()).toBe("/admin/plans");
  expect(paths.adminImages()).toBe("/admin/images");
  expect(paths.adminLocations()).toBe("/admin/locations");
  expect(paths.serversOf("acc_1")).toBe("/servers?account=acc_1");
  expect(paths.adminCustomers()).toBe("/admin/customers");
  expect(paths.adminCustomer("acc_1")).toBe("/admin/customers/acc_1");
  expect(paths.adminUsers()).toBe("/admin/users");
  expect(paths.adminUser("usr_1")).toBe("/admin/users/usr_1");
  expect(paths.adminDrift()).toBe("/admin/drift");
  expect(paths.adminClusters()).toBe("/admin/clusters");
  expect(paths.adminAddresses()).toBe("/admin/addresses");
  expect(paths.adminImports()).toBe("/admin/imports");
  expect(paths.adminImport("run_1")).toBe("/admin/imports/run_1");
  expect(paths.serverHistory("srv_1")).toBe("/servers/srv_1/history");
});

test.each([null, "", "https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])(
  "%s is no place to go",
  (next) => {
    expect(safeNext(next)).toBe("/servers");
  },
);

test("a path of ours is", () => {
  expect(safeNext("/servers/srv_1?a=b")).toBe("/servers/srv_1?a=b");
});
