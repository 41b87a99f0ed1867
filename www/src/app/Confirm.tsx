/** A question before something that cannot be taken back, or that reloads the page. */

import { Button, Dialog } from "felsic-ui";
import { t } from "./messages/index.js";

interface ConfirmProps {
  readonly open: boolean;
  readonly title: string;
  readonly text: string;
  readonly kind: "primary" | "danger";
  /** What the button says that goes on. */
  readonly confirm: string;
  readonly onConfirm: () => void;
  /** Either button closes it, and so does what closes every dialog. */
  readonly onClose: () => void;
}

export function Confirm({ open, title, text, kind, confirm, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog
      open={open}
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button
            kind={kind}
            onClick={() => {
              onClose();
              onConfirm();
            }}
          >
            {confirm}
          </Button>
        </>
      }
    >
      <p>{text}</p>
    </Dialog>
  );
}
