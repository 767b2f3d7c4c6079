/** Every word the dashboard says, in one place; a page carries those that it says. */
export * as words from "./words/all";
