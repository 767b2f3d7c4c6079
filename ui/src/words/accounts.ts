import type { MemberRole } from "@/api/types";

export const roleNames: Record<MemberRole, string> = {
  owner: "Owner",
  admin: "Admin",
  operator: "Operator",
  billing: "Billing",
  viewer: "Viewer",
};

/** What is said where one of several accounts is chosen. */
export const accountChoiceWords = {
  account: "Account",
  allAccounts: "All my accounts",
  unnamed: "Account without a name",
  roleNames,
};
