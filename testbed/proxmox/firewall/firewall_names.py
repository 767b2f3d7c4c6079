"""Names that firewall rules may use, as a Debian system with Proxmox VE knows them."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Numbers and names of /etc/protocols.
PROTOCOL_NAMES = _words(
    "ip hopopt icmp igmp ggp ipencap st tcp egp igp pup udp hmp xns-idp rdp iso-tp4 dccp xtp ddp idpr-cmtp ipv6 "
    "ipv6-route ipv6-frag idrp rsvp gre esp ah skip ipv6-icmp ipv6-nonxt ipv6-opts rspf vmtp eigrp ospf ax.25 ipip "
    "etherip encap pim ipcomp vrrp l2tp isis sctp fc mobility-header udplite mpls-in-ip manet hip shim6 wesp rohc "
    "ethernet"
)
PROTOCOL_NUMBERS = range(143)
#: The best known names of /etc/services.
SERVICES = _words(
    "tcpmux echo discard systat daytime netstat qotd chargen ftp-data ftp ssh telnet smtp time whois tacacs domain "
    "bootps bootpc tftp gopher finger http kerberos iso-tsap acr-nema pop3 sunrpc auth nntp ntp epmap netbios-ns "
    "netbios-dgm netbios-ssn imap2 snmp snmp-trap cmip-man xdmcp bgp smux qmtp z3950 ipx ptp imap3 ldap svrloc https "
    "snpp microsoft-ds kpasswd submissions saft isakmp rtsp nqs submission ldaps tinc silc kerberos-adm domain-s "
    "rsync ftps-data ftps telnets imaps pop3s socks proofd rootd openvpn rmiregistry ms-sql-s ms-sql-m ingreslock "
    "datametrics l2f radius radius-acct cisco-sccp nfs gnunet rtcm-sc104 gsigatekeeper cvspserver venus iscsi-target "
    "mysql svn nut distcc daap suucp sip sip-tls xmpp-client xmpp-server cfengine mdns postgresql amqps amqp x11 "
    "gnutella-svc afs3-fileserver font-service http-alt puppet bacula-dir bacula-fd bacula-sd git sane-port"
)
ICMP_TYPES = _words(
    "any echo-reply destination-unreachable network-unreachable host-unreachable protocol-unreachable "
    "port-unreachable fragmentation-needed source-route-failed network-unknown host-unknown network-prohibited "
    "host-prohibited TOS-network-unreachable TOS-host-unreachable communication-prohibited host-precedence-violation "
    "precedence-cutoff source-quench redirect network-redirect host-redirect TOS-network-redirect TOS-host-redirect "
    "echo-request router-advertisement router-solicitation time-exceeded ttl-zero-during-transit "
    "ttl-zero-during-reassembly parameter-problem ip-header-bad required-option-missing timestamp-request "
    "timestamp-reply address-mask-request address-mask-reply"
)
ICMPV6_TYPES = _words(
    "destination-unreachable no-route communication-prohibited beyond-scope address-unreachable port-unreachable "
    "failed-policy reject-route packet-too-big time-exceeded ttl-zero-during-transit ttl-zero-during-reassembly "
    "parameter-problem bad-header unknown-header-type unknown-option echo-request echo-reply router-solicitation "
    "router-advertisement neighbor-solicitation neighbour-solicitation neighbor-advertisement "
    "neighbour-advertisement redirect"
)
