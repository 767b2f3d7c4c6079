import { createRoot } from "react-dom/client";

const place = document.getElementById("root");
if (!place) throw new Error("index.html has no element with the id “root”");

/** Where the dashboard is drawn. */
export const root = createRoot(place);
