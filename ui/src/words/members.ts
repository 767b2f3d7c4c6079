import type { MemberRole } from "@/api/types";

/** What is said about who acts for an account. */
const roles: Record<MemberRole, { name: string; may: string }> = {
  owner: { name: "Owner", may: "May do everything, and say who else is an owner." },
  admin: { name: "Admin", may: "May do everything, members included, but nothing about owners." },
  operator: { name: "Operator", may: "Acts on servers that are there, their console too. Orders and ends none." },
  billing: { name: "Billing", may: "Looks at everything, for the sake of invoices. Changes nothing." },
  viewer: { name: "Viewer", may: "Looks at everything. Changes nothing." },
};

export const memberWords = {
  roles,
  role: "Role",
  /** An account that its source gave no name. */
  unnamed: "Account without a name",
};

/** What the link of an invitation's letter opens. */
export const invitationWords = {
  title: "Invitation",
  opening: "Opening the invitation…",
  question: (account: string) => `Act for ${account}?`,
  offered: (role: string) => `You are invited as: ${role}.`,
  expires: "It holds until",
  as: (email: string) => `You are signed in as ${email}.`,
  otherAddress: (email: string) => `The letter went to ${email}. It is the address you are signed in with that joins.`,
  accept: "Accept",
  accepting: "Accepting…",
  notMe: "Sign in as somebody else",
  leaving: "Signing out…",
  leavingFailed: "You are still signed in",
  signInFirst: (email: string) => `Somebody signs in as ${email} already. If it is you, sign in to accept.`,
  newcomer: (email: string) => `You are new here. You will sign in with ${email}.`,
  name: "Name",
  password: "Password",
  passwordHelp: "Ten characters at least.",
  nameMissing: "A name is needed.",
  passwordShort: "The password needs ten characters.",
  acceptNew: "Accept and sign in",
  failed: "The invitation was not accepted",
  openFailed: "The invitation could not be opened",
  expired: "This invitation holds no more",
  expiredHelp: "It was accepted already, was taken back, or is too old. Ask whoever invited you for a new one.",
  already: "You act for this account already",
  joined: "You have joined",
  joinedHelp: (account: string, role: string) => `You act for ${account} as: ${role}.`,
  signInNow: "Sign in with the password that you have just chosen.",
  goOn: "Go to the servers",
};
