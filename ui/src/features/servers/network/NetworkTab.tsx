import type { Server } from "@/api/types";
import { useServer } from "@/asking/serverPage";
import { Copy } from "@/ui/Copy";
import { EmptyState } from "@/ui/EmptyState";
import { Facts } from "@/ui/Facts";
import { Section } from "@/ui/Section";
import { words } from "@/words";
import { netmask } from "./netmask";

const network = words.network;

/** Every address with all that is needed to set it up by hand. */
export function NetworkTab() {
  const { ips } = useServer();
  if (ips.length === 0) return <EmptyState title={network.none} help={network.noneHelp} />;
  return (
    <div className="grid gap-5 lg:grid-cols-2">
      {ips.map((ip) => (
        <Address key={ip.address} ip={ip} />
      ))}
    </div>
  );
}

function Address({ ip }: { ip: Server["ips"][number] }) {
  const { address, prefix, gateway, family, primary, rdns } = ip;
  const copied = (label: string, text: string) =>
    [label, <Copy key={label} text={text} what={`${label} ${text}`} />] as const;
  return (
    <Section title={`${network.family(family)}${primary ? ` · ${network.primary}` : ""}`}>
      <Facts
        facts={[
          copied(network.address, address),
          copied(network.cidr, `${address}/${prefix}`),
          ...(family === 4 ? [copied(network.netmask, netmask(prefix))] : []),
          gateway ? copied(network.gateway, gateway) : [network.gateway, words.common.none],
          rdns ? copied(network.rdns, rdns) : [network.rdns, network.noRdns],
        ]}
      />
    </Section>
  );
}
