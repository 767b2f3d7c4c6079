import type { MemberRole } from "@/api/types";
import { accountChoiceWords, roleNames } from "./accounts";

/** What is said about who acts for an account. */
const roles: Record<MemberRole, { name: string; may: string }> = {
  owner: { name: roleNames.owner, may: "May do everything, and say who else is an owner." },
  admin: { name: roleNames.admin, may: "May do everything, members included, but nothing about owners." },
  operator: {
    name: roleNames.operator,
    may: "Uses existing servers and their consoles. Cannot order or terminate any.",
  },
  billing: { name: roleNames.billing, may: "Sees everything, for the sake of invoices. Changes nothing." },
  viewer: { name: roleNames.viewer, may: "Sees everything. Changes nothing." },
};

export const memberWords = {
  ...accountChoiceWords,
  roles,
  role: "Role",
  title: "Members",
  of: (account: string) => (account ? `Members of ${account}` : "Members of this account"),
  failed: "This could not be loaded",
  noAccount: "You act for no account",
  noAccountHelp: "Whoever owns one can invite you to it.",
  accountAs: (name: string, role: MemberRole | null) =>
    `${name || accountChoiceWords.unnamed}${role ? ` (${roles[role].name})` : ""}`,
  mayNot: (role: string) => `Only owners and admins change who acts for this account; your role is ${role}.`,
  nobody: "none",
  ownersOnly: "Only owners make owners, or change what they are.",
  you: "(you)",

  change: "Change role",
  changing: "Changing…",
  changeTitle: (who: string) => `What may ${who} do?`,
  changeNotes: ["It applies at once, wherever they are signed in."],
  sameRole: "This is the current role.",
  remove: "Remove",
  removing: "Removing…",
  removeTitle: (who: string) => `Remove ${who}?`,
  removeNotes: [
    "They no longer see this account or its servers, at once.",
    "SSH keys of theirs on its servers keep working: take them off there.",
  ],
  leave: "Leave",
  leaving: "Leaving…",
  leaveTitle: (account: string) => `Leave ${account || "this account"}?`,
  leaveNotes: ["You no longer see it or its servers, at once.", "To come back, you need an invitation."],

  invite: "Invite somebody",
  emailHelp: "We will email a link to this address. It is valid for seven days.",
  emailMissing: "An address is needed.",
  send: "Send the invitation",
  sending: "Sending…",
  inviteFailed: "Nobody was invited",
  invited: (email: string) => `${email} is invited`,
  invitedHelp: "They join once they open the link in the email and accept.",
  waiting: "Pending invitations",
  noneWaiting: "None.",
  until: "Valid until",
  withdraw: "Withdraw",
  withdrawing: "Withdrawing…",
  withdrawTitle: (email: string) => `Withdraw the invitation of ${email}?`,
  withdrawNotes: ["The link in the email stops working."],

  /** An account that its source gave no name. */
};

/** What the link of an invitation's letter opens. */
export const invitationWords = {
  title: "Invitation",
  opening: "Opening the invitation…",
  question: (account: string) => `Act for ${account}?`,
  offered: (role: string) => `You are invited as: ${role}.`,
  expires: "Valid until",
  as: (email: string) => `You are signed in as ${email}.`,
  otherAddress: (email: string) =>
    `The invitation went to ${email}. If you accept, the address you are signed in with joins instead.`,
  accept: "Accept",
  accepting: "Accepting…",
  notMe: "Sign in as somebody else",
  leaving: "Signing out…",
  leavingFailed: "You are still signed in",
  signInFirst: (email: string) => `Somebody signs in as ${email} already. If it is you, sign in to accept.`,
  newcomer: (email: string) => `You are new here. You will sign in with ${email}.`,
  name: "Name",
  password: "Password",
  passwordHelp: "At least ten characters.",
  nameMissing: "A name is needed.",
  passwordShort: "The password needs ten characters.",
  acceptNew: "Accept and sign in",
  failed: "The invitation was not accepted",
  openFailed: "The invitation could not be opened",
  expired: "This invitation is no longer valid",
  expiredHelp: "It was already accepted, was withdrawn, or is too old. Ask whoever invited you for a new one.",
  already: "You act for this account already",
  joined: "You have joined",
  joinedHelp: (account: string, role: string) => `You act for ${account} as: ${role}.`,
  signInNow: "Sign in with the password that you have just chosen.",
  goOn: "Go to the servers",
};
