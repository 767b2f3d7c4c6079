import type { ApiToken, OpenSession, SavedView, SshKey } from "@/api/types";

export const AT = "2026-03-03T14:05:00Z";
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

/** What the mock service keeps about the signed-in user. */
export class MockAccount {
  sessions: OpenSession[] = [session("ses_1", true, FIREFOX), session("ses_2", false, "Safari on a phone")];
  tokens: ApiToken[] = [];
  keys: SshKey[] = [];
  views: SavedView[] = [];
  /** Whether the user proved lately who they are. */
  proved = true;
  codesLeft = 0;
}

function session(id: string, current: boolean, user_agent: string): OpenSession {
  const times = { created_at: AT, last_used_at: AT, expires_at: AT };
  return { id, object: "session", current, by_staff: false, address: "192.0.2.7", user_agent, ...times };
}
