# -m icmp6: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
%6
-p ipv6-icmp -m icmp6 --icmpv6-type 1;=;OK
-p ipv6-icmp -m icmp6 --icmpv6-type 1/0;=;OK
-p ipv6-icmp -m icmp6 ! --icmpv6-type 128;=;OK
-p icmpv6 --icmpv6-type echo-request;-p ipv6-icmp -m icmp6 --icmpv6-type 128;OK
-p ipv6-icmp -m icmpv6 --icmpv6-type packet-too-big;-p ipv6-icmp -m icmp6 --icmpv6-type 2;OK
-p ipv6-icmp -m ipv6-icmp --icmpv6-type neighbor-solicitation;-p ipv6-icmp -m icmp6 --icmpv6-type 135;OK
-p ipv6-icmp -m icmp6 --icmpv6-type neighbour-advertisement;-p ipv6-icmp -m icmp6 --icmpv6-type 136;OK
-p ipv6-icmp -m icmp6 --icmpv6-type no-route;-p ipv6-icmp -m icmp6 --icmpv6-type 1/0;OK
-p ipv6-icmp -m icmp6 --icmpv6-type failed-policy;-p ipv6-icmp -m icmp6 --icmpv6-type 1/5;OK
-p ipv6-icmp -m icmp6 --icmpv6-type neighbor;;FAIL;Ambiguous ICMPv6 type `neighbor': `neighbor-solicitation' or `neighbor-advertisement'?
-p ipv6-icmp -m icmp6 --icmpv6-type 255;=;OK
-p ipv6-icmp -m icmp6 --icmpv6-type 1:2;;FAIL;ICMPv6 type range not supported
-p ipv6-icmp -m icmp6 --icmpv6-type 256;;FAIL;Unknown ICMPv6 type `256'
-p ipv6-icmp -m icmp6 --icmpv6-type any;;FAIL;Unknown ICMPv6 type `any'
-p ipv6-icmp -m icmp6 --icmpv6-type 1/x;;FAIL;Unknown ICMPv6 code `1/x'
-p ipv6-icmp -m icmp6;;FAIL;icmp6: option "--icmpv6-type" must be specified
-p ipv6-icmp -m icmp6 --icmpv6-type no-route --icmpv6-type packet-too-big;;FAIL;icmp6: option "--icmpv6-type" can only be used once.
-m icmp6 --icmpv6-type 1;;FAIL;x_tables: ip6_tables: icmp6 match: only valid for protocol 58
