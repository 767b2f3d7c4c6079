export const userDataWords = {
  label: "User data",
  help: "Optional. What cloud-init does at the first start: a script that begins with #!, or #cloud-config. Name, network, keys and password are as chosen here.",
  tooLong: "Use at most 64 KiB.",
};
