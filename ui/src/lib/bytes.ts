/** Memory in MiB as people say it: 2048 → "2 GiB", 512 → "512 MiB". */
export function memory(mib: number): string {
  return mib < 1024 ? `${mib} MiB` : `${Number((mib / 1024).toFixed(1))} GiB`;
}
