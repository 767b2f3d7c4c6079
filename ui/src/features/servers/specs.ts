import type { Server } from "@/api/types";
import { memory } from "@/lib/bytes";
import { words } from "@/words";

interface Size {
  vcpus: number;
  memory_mib: number;
  disk_gib: number;
}

/** "2 cores · 4 GiB RAM · 40 GiB disk" */
export function specs({ vcpus, memory_mib, disk_gib }: Size): string {
  return [words.specs.cpu(vcpus), words.specs.ram(memory(memory_mib)), words.specs.disk(disk_gib)].join(" · ");
}

export function primaryAddress({ ips }: Server): string | null {
  return (ips.find((ip) => ip.primary) ?? ips[0])?.address ?? null;
}
