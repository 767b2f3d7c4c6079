export { ConfirmedAct } from "@/asking/ConfirmedAct";
