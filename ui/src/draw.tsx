import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode, startTransition } from "react";
import { createBrowserRouter } from "react-router";
import { RouterProvider } from "react-router/dom";
import { createQueryClient } from "@/api/queryClient";
import { root } from "@/root";
import { routes } from "@/routes";

const client = createQueryClient();
const router = createBrowserRouter(routes(client));

/** In the place of what index.html shows until then; in small pieces, between which the browser answers. */
function draw(): void {
  const app = (
    <StrictMode>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>
  );
  startTransition(() => root.render(app));
}

if (router.state.initialized) draw();
else {
  const stop = router.subscribe(({ initialized }) => {
    if (!initialized) return;
    stop();
    draw();
  });
}
