import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createBrowserRouter } from "react-router";
import { RouterProvider } from "react-router/dom";
import { createQueryClient } from "@/api/queryClient";
import { showTheme } from "@/lib/theme";
import { routes } from "@/routes";
import "./app.css";

showTheme();
const client = createQueryClient();
const router = createBrowserRouter(routes(client));
const root = document.getElementById("root");
if (!root) throw new Error("index.html has no element with the id “root”");

createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
