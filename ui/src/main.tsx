import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode, startTransition } from "react";
import { createRoot } from "react-dom/client";
import { createBrowserRouter } from "react-router";
import { RouterProvider } from "react-router/dom";
import { createQueryClient } from "@/api/queryClient";
import { routes } from "@/routes";
import "./app.css";

const client = createQueryClient();
const router = createBrowserRouter(routes(client));
const place = document.getElementById("root");
if (!place) throw new Error("index.html has no element with the id “root”");
const root = createRoot(place);

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
