# -m addrtype: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
-m addrtype --src-type LOCAL;=;OK
-m addrtype --dst-type LOCAL,BROADCAST;=;OK
-m addrtype ! --src-type UNSPEC,UNICAST ! --dst-type MULTICAST;=;OK
-m addrtype --dst-type XRESOLVE,nat,throw,PROHIBIT,UNREACHABLE,BLACKHOLE,ANYCAST;-m addrtype --dst-type ANYCAST,BLACKHOLE,UNREACHABLE,PROHIBIT,THROW,NAT,XRESOLVE;OK
# a beginning will do: U is UNSPEC
-m addrtype --src-type U;-m addrtype --src-type UNSPEC;OK
-m addrtype --src-type uni;-m addrtype --src-type UNICAST;OK
-m addrtype --src-type wrong;;FAIL;addrtype: bad type "wrong"
-m addrtype --src-type wrong,LOCAL;;FAIL;addrtype: bad type `wrong,LOCAL'
-m addrtype --src-type LOCAL,;;FAIL;addrtype: bad type ""
-m addrtype --src-type LOCAL --src-type LOCAL;;FAIL;addrtype: option "--src-type" can only be used once.
-m addrtype;;FAIL;addrtype: you must specify --src-type or --dst-type
-m addrtype --limit-iface-in;;FAIL;addrtype: you must specify --src-type or --dst-type
-m addrtype --src-type LOCAL --limit-iface-in --limit-iface-out;;FAIL;addrtype: option "--limit-iface-in" cannot be used together with "--limit-iface-out".
-m addrtype --src-type LOCAL ! --limit-iface-in;;FAIL;addrtype: option "--limit-iface-in" cannot be inverted.
:INPUT
-m addrtype --src-type LOCAL --limit-iface-in;=;OK
-m addrtype --src-type LOCAL --limit-iface-out;;FAIL;output interface limitation not valid in PREROUTING and INPUT
:OUTPUT
-m addrtype --dst-type LOCAL --limit-iface-out;=;OK
-m addrtype --dst-type LOCAL --limit-iface-in;;FAIL;input interface limitation not valid in POSTROUTING and OUTPUT
:FORWARD
-m addrtype --dst-type LOCAL --limit-iface-out;=;OK
-m addrtype --dst-type LOCAL --limit-iface-in;=;OK
%6
-m addrtype --dst-type LOCAL,ANYCAST,UNREACHABLE;=;OK
-m addrtype --dst-type BLACKHOLE;;FAIL;ipv6 BLACKHOLE matching not supported
-m addrtype --dst-type PROHIBIT;;FAIL;ipv6 PROHIBIT (THROW, NAT ..) matching not supported
-m addrtype --dst-type THROW;;FAIL;ipv6 PROHIBIT (THROW, NAT ..) matching not supported
-m addrtype --src-type BROADCAST;;FAIL;ipv6 does not support BROADCAST matching
