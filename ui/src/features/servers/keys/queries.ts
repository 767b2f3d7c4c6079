import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, unwrap } from "@/api/client";
import type { SshKey, SshKeyCreate } from "@/api/types";

/** The user's SSH keys; the account's pages show the same ones. */
export const keyQuery = () =>
  queryOptions({
    queryKey: ["account", "keys"],
    queryFn: async () => (await unwrap(api.GET("/v1/ssh-keys", { params: { query: { limit: 200 } } }))).data,
  });

/** Keep a further key in the account. */
export function useAddKey() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: SshKeyCreate): Promise<SshKey> => unwrap(api.POST("/v1/ssh-keys", { body })),
    onSuccess: (key) => {
      client.setQueryData(keyQuery().queryKey, (old) => [...(old ?? []).filter(({ id }) => id !== key.id), key]);
    },
  });
}
