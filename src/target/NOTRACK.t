# What iptables 1.8.9 and Linux 6.18 say, recorded.

*raw
:PREROUTING,OUTPUT
%46
-j NOTRACK;=;OK
-p udp -j NOTRACK;=;OK

*raw
:OUTPUT
%46
-j NOTRACK --notrack;;FAIL;unknown option "--notrack"

*filter
:INPUT
%4
-j NOTRACK;;FAIL;x_tables: ip_tables: CT target: only valid in raw table, not filter

*mangle
:FORWARD
%6
-j NOTRACK;;FAIL;x_tables: ip6_tables: CT target: only valid in raw table, not mangle
