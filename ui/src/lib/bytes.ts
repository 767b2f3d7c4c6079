/** Memory in MiB as people say it: 2048 → "2 GiB", 512 → "512 MiB". */
export function memory(mib: number): string {
  return mib < 1024 ? `${mib} MiB` : `${Number((mib / 1024).toFixed(1))} GiB`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Bytes as people say them: 1610612736 → "1.5 GiB". */
export function fileSize(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${UNITS[power]}`;
}
