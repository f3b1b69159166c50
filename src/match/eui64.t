# -m eui64: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
%6
:INPUT
-m eui64;=;OK
:FORWARD
-m eui64;=;OK
:OUTPUT
-m eui64;;FAIL;x_tables: ip6_tables: eui64 match: used from hooks OUTPUT, but only valid from PREROUTING/INPUT/FORWARD
