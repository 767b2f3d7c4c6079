import { AlertDialog } from "@base-ui/react/alert-dialog";
import type { ReactNode } from "react";

interface Props {
  open: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
}

/** A question that must be answered: focus stays inside, Escape closes, focus returns to where it was. */
export function Dialog({ open, onClose, title, children }: Props) {
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => (next ? undefined : onClose())}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="fixed inset-0 z-20 bg-black/50" />
        <AlertDialog.Popup className="fixed inset-x-4 top-1/2 z-20 mx-auto max-h-[90dvh] max-w-lg -translate-y-1/2 overflow-y-auto rounded-card border border-line bg-surface p-6 shadow-float">
          <AlertDialog.Title className="text-large font-semibold wrap-anywhere">{title}</AlertDialog.Title>
          {children}
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
