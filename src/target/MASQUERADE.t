# What iptables 1.8.9 and Linux 6.18 say, recorded.

*nat
:POSTROUTING
%46
-j MASQUERADE;=;OK
-p tcp -j MASQUERADE --to-ports 1024;=;OK
-p tcp -j MASQUERADE --to-ports 1024-65535;=;OK
-p udp -j MASQUERADE --to-ports 1024-31000 --random;=;OK
-j MASQUERADE --random;=;OK
-j MASQUERADE --random-fully;=;OK
-j MASQUERADE --random-fully --random;-j MASQUERADE --random --random-fully;OK
-p tcp -j MASQUERADE --to-ports http;-p tcp -j MASQUERADE --to-ports 80;OK
-p tcp -j MASQUERADE --to-ports 10-20/5;-p tcp -j MASQUERADE --to-ports 10-20/0;OK
-j MASQUERADE --to-ports 1024;;FAIL;Need TCP, UDP, SCTP or DCCP with port specification
-p tcp -j MASQUERADE --to-ports 1.2.3.4;;FAIL;Garbage after port value: `.2.3.4'
-p tcp -j MASQUERADE --to-ports 5:6;;FAIL;Invalid port:port syntax - use dash
-j MASQUERADE --persistent;;FAIL;unknown option "--persistent"
-j MASQUERADE --to-ports;;FAIL;option "--to-ports" requires an argument
-p tcp -j MASQUERADE --to-ports 70000;;FAIL;Port `70000' not valid

*nat
:PREROUTING
%4
-j MASQUERADE;;FAIL;x_tables: ip_tables: MASQUERADE target: used from hooks PREROUTING, but only usable from POSTROUTING

*nat
:INPUT
%4
-j MASQUERADE;;FAIL;x_tables: ip_tables: MASQUERADE target: used from hooks INPUT, but only usable from POSTROUTING

*nat
:OUTPUT
%4
-j MASQUERADE;;FAIL;x_tables: ip_tables: MASQUERADE target: used from hooks OUTPUT, but only usable from POSTROUTING

*nat
:INPUT
%6
-j MASQUERADE;;FAIL;x_tables: ip6_tables: MASQUERADE target: used from hooks INPUT, but only usable from POSTROUTING

*filter
:FORWARD
%4
-j MASQUERADE;;FAIL;x_tables: ip_tables: MASQUERADE target: only valid in nat table, not filter
