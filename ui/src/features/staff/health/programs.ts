/** The programs without which something stands still. */
export const PROGRAMS = ["hostler-service", "hostler-projector", "hostler-orchestrator"] as const;
