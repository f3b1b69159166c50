# What iptables 1.8.9 and Linux 6.18 say, recorded.

*filter
:INPUT,FORWARD,OUTPUT
%46
-j DROP;=;OK
! -p udp -j DROP;=;OK

*raw
:PREROUTING,OUTPUT
%46
-j DROP;=;OK

*nat
:PREROUTING
%46
-j DROP;;FAIL;The "nat" table is not intended for filtering, the use of DROP is therefore inhibited.
