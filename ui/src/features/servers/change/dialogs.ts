import { lazy, type ComponentType } from "react";
import type { DialogProps } from "./dialog";

/* The dialogs of a server, each read when it is first opened. */

function later(module: () => Promise<ComponentType<DialogProps>>) {
  return lazy(async () => ({ default: await module() }));
}

export const RebuildDialog = later(async () => (await import("./RebuildDialog")).RebuildDialog);
export const ResizeDialog = later(async () => (await import("./ResizeDialog")).ResizeDialog);
export const RenameDialog = later(async () => (await import("./RenameDialog")).RenameDialog);
export const PasswordDialog = later(async () => (await import("./PasswordDialog")).PasswordDialog);
export const TerminateDialog = later(
  async () => (await import("@/features/servers/power/TerminateDialog")).TerminateDialog,
);
