/** What is said where the keys are chosen that may sign in to a server. */
export const keyChoiceWords = {
  legend: "SSH keys",
  failed: "Your keys could not be loaded",
  add: "Add a key",
  send: "Add and choose it",
  addFailed: "The key was not added",
  name: "Name of the key",
  key: "Public key",
  keyHelp: "The content of a file such as ~/.ssh/id_ed25519.pub. It stays in your account.",
  wrong: "This is not a public key: it begins with “ssh-ed25519 ”, “ssh-rsa ” or the like.",
  missing: "It needs a name and the public key.",
};
