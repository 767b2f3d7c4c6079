import { restore } from "@/api/session";
import "./app.css";

// Asked while most of the scripts are still on their way; whoever waits for the answer hears of what goes wrong.
void restore().catch(() => undefined);

// One after the other: in between the browser answers.
void import("./root").then(() => import("./draw"));
