import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { describe } from "@/api/errors";
import type { Image, Server } from "@/api/types";
import { passwordMistake } from "@/features/servers/access";
import { ActionForm } from "@/features/servers/acting/ActionForm";
import { takesUserData, UserDataField, userDataMistake } from "@/features/servers/UserData";
import { KeyChoice } from "@/features/servers/keys/KeyChoice";
import { catalogueQueries } from "@/features/servers/queries";
import { Check } from "@/ui/Check";
import { Dialog } from "@/ui/Dialog";
import { Failure } from "@/ui/Failure";
import { Field } from "@/ui/Field";
import { Notes } from "@/ui/Notes";
import { Select } from "@/ui/Select";
import { Skeleton } from "@/ui/Skeleton";
import { words } from "@/words";
import type { DialogProps } from "./dialog";

const { rebuild } = words.change;

/** Which system, what is lost and what is kept, and who may sign in; then the server's name, typed. */
export function RebuildDialog({ open, ...props }: DialogProps) {
  return (
    <Dialog open={open} onClose={props.onClose} title={rebuild.title(props.server.name)}>
      <WithImages {...props} />
    </Dialog>
  );
}

function WithImages(props: Omit<DialogProps, "open">) {
  const images = useQuery(catalogueQueries.images());
  if (images.data) return <Rebuild {...props} images={images.data.data} />;
  if (!images.error) return <Skeleton rows={3} label={words.common.loading} />;
  return (
    <Failure
      title={words.create.catalogueFailed}
      {...describe(images.error)}
      knownAt={images.dataUpdatedAt}
      onRetry={() => void images.refetch()}
    />
  );
}

/** The image of now where it is still offered, else none. */
function offeredNow(images: readonly Image[], { image }: Server): string {
  return images.some(({ id }) => id === image.id) ? image.id : "";
}

function Rebuild({ server, images, onClose, onAccepted }: Omit<DialogProps, "open"> & { images: Image[] }) {
  const [image, setImage] = useState(() => offeredNow(images, server));
  const [safety, setSafety] = useState(false);
  const [keys, setKeys] = useState<readonly string[]>([]);
  const [password, setPassword] = useState("");
  const [userData, setUserData] = useState("");
  const locations = useQuery(catalogueQueries.locations());
  const wrong = passwordMistake(password) ?? userDataMistake(userData);
  return (
    <>
      <p className="mt-3">{rebuild.intro}</p>
      <Notes notes={[safety ? rebuild.lostBySafety : rebuild.lost, rebuild.kept]} />
      <ActionForm
        server={server}
        ask={{
          type: "rebuild",
          image,
          safety,
          ssh_key_ids: keys.length > 0 ? [...keys] : null,
          password: password || null,
          ...(userData ? { user_data: userData } : {}),
        }}
        reason={image ? (wrong ?? null) : rebuild.chooseImage}
        typedName
        danger
        onClose={onClose}
        onAccepted={({ operation }) => {
          onAccepted(operation);
          onClose();
        }}
      >
        {(error) => (
          <>
            <Select
              label={rebuild.image}
              value={image}
              options={[
                ...(image ? [] : [{ value: "", label: rebuild.chooseImage }]),
                ...images.map(({ id, name }) => ({ value: id, label: name })),
              ]}
              onChange={setImage}
            />
            <Check label={rebuild.safety} help={rebuild.safetyHelp} checked={safety} onChange={setSafety} />
            <KeyChoice chosen={keys} onChange={setKeys} help={rebuild.keysHelp} error={error("/ssh_key_ids")} />
            <Field
              label={rebuild.password}
              help={rebuild.passwordHelp}
              error={passwordMistake(password) ?? error("/password")}
              value={password}
              onValueChange={setPassword}
              type="password"
              autoComplete="new-password"
            />
            {takesUserData(locations.data?.data ?? [], server.location.id) ? (
              <UserDataField
                value={userData}
                onChange={setUserData}
                error={userDataMistake(userData) ?? error("/user_data")}
              />
            ) : null}
          </>
        )}
      </ActionForm>
    </>
  );
}
