/** What is said about many servers at once. */
export const bulkWords = {
  title: "Chosen servers",
  choose: (name: string) => `Choose ${name}`,
  chooseAll: "Choose all that are listed",
  chosen: (n: number) => (n === 1 ? "1 server chosen" : `${n} servers chosen`),
  none: "None of the chosen servers allows this now.",
  clear: "Choose none",
  question: (action: string, n: number) => `${action}: ${n === 1 ? "1 server" : `${n} servers`}`,
  consequence: {
    start: "Each is started as it is.",
    shutdown: "Each system is asked to shut down. Whoever uses these servers loses them until they are started.",
    reboot: "Each system is asked to restart. It answers nobody meanwhile.",
    stop: "Each is switched off as if its plug were pulled: what is not yet written to its disk is lost.",
  },
  outcomes: "What becomes of each",
  willBe: "Will be asked",
  asking: "Asking…",
  asked: "Asked",
  left: (why: string) => `Left alone. ${why}`,
  refused: (why: string) => `Refused. ${why}`,
  close: "Close",
};
