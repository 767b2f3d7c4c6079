import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode, startTransition } from "react";
import { createQueryClient } from "@/api/queryClient";
import { open, Pages, type Door } from "@/Pages";
import { root } from "@/root";

const client = createQueryClient();

/** In the place of what index.html shows until then; in small pieces, between which the browser answers. */
function draw(door: Door): void {
  const app = (
    <StrictMode>
      <QueryClientProvider client={client}>
        <Pages door={door} />
      </QueryClientProvider>
    </StrictMode>
  );
  startTransition(() => root.render(app));
}

void open(client).then(draw);
