# What iptables 1.8.9 and Linux 6.18 say, recorded.

*raw
:PREROUTING,OUTPUT
%46
-j TRACE;=;OK
-p tcp -j TRACE;=;OK

*raw
:PREROUTING
%46
-j TRACE --all;;FAIL;unknown option "--all"

*filter
:INPUT
%4
-j TRACE;;FAIL;x_tables: ip_tables: TRACE target: only valid in raw table, not filter

*filter
:INPUT
%6
-j TRACE;;FAIL;x_tables: ip6_tables: TRACE target: only valid in raw table, not filter

*mangle
:PREROUTING
%4
-j TRACE;;FAIL;x_tables: ip_tables: TRACE target: only valid in raw table, not mangle
