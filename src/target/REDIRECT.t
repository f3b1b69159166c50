# What iptables 1.8.9 and Linux 6.18 say, recorded.

*nat
:PREROUTING,OUTPUT
%46
-j REDIRECT;=;OK
-p tcp -j REDIRECT --to-ports 8080;=;OK
-p tcp -j REDIRECT --to-ports 8080-8090;=;OK
-p tcp -j REDIRECT --to-ports 8080 --random;=;OK
-j REDIRECT --random;=;OK
-p udp -j REDIRECT --to-ports domain;-p udp -j REDIRECT --to-ports 53;OK

*nat
:PREROUTING
%46
-j REDIRECT --to-ports 80;;FAIL;Need TCP, UDP, SCTP or DCCP with port specification
-p tcp -j REDIRECT --to-ports 10-20/5;;FAIL;Shifted portmap ranges not supported with this kernel
-p tcp -j REDIRECT --to-ports 5:6;;FAIL;Invalid port:port syntax - use dash
-p tcp -j REDIRECT --to-ports x;;FAIL;Port `x' not valid
-j REDIRECT --random-fully;;FAIL;unknown option "--random-fully"
-p tcp -j REDIRECT --to-port 80;-p tcp -j REDIRECT --to-ports 80;OK
-p tcp -j REDIRECT --to-ports 80 --to-ports 81;;FAIL;REDIRECT: option "--to-ports" can only be used once.
-p icmp -j REDIRECT --to-ports 5;=;OK

*nat
:POSTROUTING
%4
-j REDIRECT;;FAIL;x_tables: ip_tables: REDIRECT target: used from hooks POSTROUTING, but only usable from PREROUTING/OUTPUT

*nat
:INPUT
%6
-j REDIRECT;;FAIL;x_tables: ip6_tables: REDIRECT target: used from hooks INPUT, but only usable from PREROUTING/OUTPUT

*filter
:INPUT
%4
-j REDIRECT;;FAIL;x_tables: ip_tables: REDIRECT target: only valid in nat table, not filter
