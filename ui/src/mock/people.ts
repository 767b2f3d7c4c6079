import type { Account, Invitation, Member, Note } from "@/api/types";
import { AT } from "./account";
import { customer } from "./fixtures";

/** An account as the mock service keeps it: `role` is that of the customer. */
export interface MockAccountKept extends Account {
  members: Member[];
  invitations: Invitation[];
}

/** Who acts for which account, in the service in memory. */
export class MockPeople {
  readonly accounts: MockAccountKept[] = [anAccount()];
  /** What staff noted, by account. */
  readonly notes = new Map<string, Note[]>();
  /** Users whom staff keep from signing in. */
  readonly disabled = new Set<string>();
  /** Users as whom staff have stopped acting. */
  readonly actingEnded: string[] = [];
  /** Where the user of a staff page is signed in. */
  sessions = 2;
  /** What the link of a letter opens. */
  readonly letters = new Map<string, { account: MockAccountKept; invitation: Invitation }>();

  /** Sends a letter; the token of its link. */
  invite(account: MockAccountKept, changes: Partial<Invitation> = {}): string {
    const token = `letter_${this.letters.size + 1}`;
    const invitation = anInvitation({ id: `inv_${this.letters.size + 1}`, ...changes });
    account.invitations = [invitation, ...account.invitations.filter(({ email }) => email !== invitation.email)];
    this.letters.set(token, { account, invitation });
    return token;
  }

  withdraw(account: MockAccountKept, id: string): void {
    account.invitations = account.invitations.filter((each) => each.id !== id);
    for (const [token, letter] of this.letters) if (letter.invitation.id === id) this.letters.delete(token);
  }
}

export function aMember(changes: Partial<Member> = {}): Member {
  const { id, email, name } = customer;
  return { id, object: "member", email, name, role: "owner", ...changes };
}

export function anAccount(changes: Partial<MockAccountKept> = {}): MockAccountKept {
  return {
    id: "acc_1",
    object: "account",
    name: "Ada’s shop",
    status: "active",
    role: "owner",
    created_at: AT,
    members: [aMember()],
    invitations: [],
    ...changes,
  };
}

function anInvitation(changes: Partial<Invitation>): Invitation {
  return {
    id: "inv_1",
    object: "invitation",
    email: "eve@example.com",
    role: "operator",
    invited_by: customer.id,
    created_at: AT,
    expires_at: "2026-03-10T14:05:00Z",
    ...changes,
  };
}
