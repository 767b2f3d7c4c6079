import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, unwrap } from "@/api/client";
import { factorQuery } from "@/asking/proving";
import type { ApiTokenCreate, InvitationCreate, MemberRole, SshKeyCreate, UserChange } from "@/api/types";

const ALL = { params: { query: { limit: 200 } } };
const all = (id: string) => ({ params: { path: { id }, query: { limit: 200 } } });

export const accountQueries = {
  me: () => queryOptions({ queryKey: ["account", "me"], queryFn: () => unwrap(api.GET("/v1/users/me")) }),
  sessions: () =>
    queryOptions({
      queryKey: ["account", "sessions"],
      queryFn: async () => (await unwrap(api.GET("/v1/users/me/sessions"))).data,
    }),
  factor: factorQuery,
  tokens: () =>
    queryOptions({
      queryKey: ["account", "tokens"],
      queryFn: async () => (await unwrap(api.GET("/v1/users/me/tokens"))).data,
    }),
  members: (account: string) =>
    queryOptions({
      queryKey: ["account", "members", account],
      queryFn: async () => (await unwrap(api.GET("/v1/accounts/{id}/members", all(account)))).data,
    }),
  invitations: (account: string) =>
    queryOptions({
      queryKey: ["account", "invitations", account],
      queryFn: async () => (await unwrap(api.GET("/v1/accounts/{id}/invitations", all(account)))).data,
    }),
  keys: () =>
    queryOptions({
      queryKey: ["account", "keys"],
      queryFn: async () => (await unwrap(api.GET("/v1/ssh-keys", ALL))).data,
    }),
};

const member = (id: string, user: string) => ({ params: { path: { id, user } } });
const path = (id: string) => ({ params: { path: { id } } });

/** Everything that changes who one is, and by what means one proves it. */
export const accountChanges = {
  rename: (body: UserChange) => unwrap(api.PATCH("/v1/users/me", { body })),
  password: (body: { current_password: string; password: string }) =>
    unwrap(api.PUT("/v1/users/me/password", { body })),
  endSession: (id: string) => unwrap(api.DELETE("/v1/users/me/sessions/{id}", path(id))),
  endOthers: () => unwrap(api.DELETE("/v1/users/me/sessions")),
  offerFactor: () => unwrap(api.POST("/v1/users/me/two-factor")),
  confirmFactor: (otp: string) => unwrap(api.POST("/v1/users/me/two-factor/confirm", { body: { otp } })),
  renewCodes: () => unwrap(api.POST("/v1/users/me/two-factor/recovery-codes")),
  dropFactor: () => unwrap(api.DELETE("/v1/users/me/two-factor")),
  makeToken: (body: ApiTokenCreate) => unwrap(api.POST("/v1/users/me/tokens", { body })),
  revokeToken: (id: string) => unwrap(api.DELETE("/v1/users/me/tokens/{id}", path(id))),
  invite: ({ account, ...body }: InvitationCreate & { account: string }) =>
    unwrap(api.POST("/v1/accounts/{id}/invitations", { ...path(account), body })),
  withdraw: (account: string, invitation: string) =>
    unwrap(api.DELETE("/v1/accounts/{id}/invitations/{invitation}", { params: { path: { id: account, invitation } } })),
  giveRole: (account: string, user: string, role: MemberRole) =>
    unwrap(api.PUT("/v1/accounts/{id}/members/{user}", { ...member(account, user), body: { role } })),
  dropMember: (account: string, user: string) =>
    unwrap(api.DELETE("/v1/accounts/{id}/members/{user}", member(account, user))),
  addKey: (body: SshKeyCreate) => unwrap(api.POST("/v1/ssh-keys", { body })),
  dropKey: (id: string) => unwrap(api.DELETE("/v1/ssh-keys/{id}", path(id))),
};

/**
 * One of the changes; what is shown of the account is read again before it counts as done. `onAnswer` has what is said
 * only once before that: what is read again may take the form away that asked.
 */
export function useAccountChange<Given, Answer>(
  change: (given: Given) => Promise<Answer>,
  onAnswer?: (answer: Answer) => void,
) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: (answer) => {
      onAnswer?.(answer);
      return client.invalidateQueries({ queryKey: ["account"] });
    },
  });
}
