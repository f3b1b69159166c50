# What iptables 1.8.9 and Linux 6.18 say, recorded.

*nat
:PREROUTING,OUTPUT
%4
-j DNAT --to-destination 1.2.3.4;=;OK
-j DNAT --to-destination 1.2.3.4-1.2.3.9;=;OK
-p tcp -j DNAT --to-destination 1.2.3.4:80;=;OK
-p tcp -j DNAT --to-destination 1.2.3.4:80-90;=;OK
-p tcp -j DNAT --to-destination :8080;=;OK
-p tcp -j DNAT --to-destination 1.2.3.4:1000-2000/1000;=;OK
-p tcp -j DNAT --to-destination 1.2.3.4-1.2.3.9:1000-2000/http;-p tcp -j DNAT --to-destination 1.2.3.4-1.2.3.9:1000-2000/80;OK
-p tcp -j DNAT --to-destination :10-20/5;=;OK
-j DNAT --to-destination 1.2.3.4 --random --persistent;=;OK
-j DNAT --to-destination 1.2.3.4 --persistent;=;OK
-p udp -j DNAT --to-destination 1.2.3.4:domain;-p udp -j DNAT --to-destination 1.2.3.4:53;OK

*nat
:PREROUTING
%4
-j DNAT;;FAIL;DNAT: option "--to-destination" must be specified
-j DNAT --to-destination 1.2.3.4 --random-fully;;FAIL;unknown option "--random-fully"
-j DNAT --to-destination 1.2.3.4:80;;FAIL;Need TCP, UDP, SCTP or DCCP with port specification
-p tcp -j DNAT --to-destination 1.2.3.4:10-20/0;;FAIL;Port `0' not valid
-p tcp -j DNAT --to-destination 1.2.3.4:10-20/65536;;FAIL;Port `65536' not valid
-p tcp -j DNAT --to-destination 1.2.3.4:10-20/x;;FAIL;Port `x' not valid
-p tcp -j DNAT --to-destination 1.2.3.4:10/5;;FAIL;Garbage after port value: `/5'
-p tcp -j DNAT --to-destination 1.2.3.4:10-20:5;;FAIL;Bad IP address "1.2.3.4:10"
-j DNAT --to-destination 1.2.3.256;;FAIL;Bad IP address "1.2.3.256"
-j DNAT --to-source 1.2.3.4;;FAIL;unknown option "--to-source"
-p tcp -j DNAT --to-destination 1.2.3.4:10-20/7x;-p tcp -j DNAT --to-destination 1.2.3.4:10-20/7;OK
-p tcp -j DNAT --to-destination 1.2.3.4:-5;;FAIL;Port `-5' not valid
-j DNAT --to-dest 1.2.3.4;-j DNAT --to-destination 1.2.3.4;OK

*nat
:PREROUTING,OUTPUT
%6
-j DNAT --to-destination fd00::1;=;OK
-p tcp -j DNAT --to-destination [fd00::1]:80;=;OK
-p tcp -j DNAT --to-destination [fd00::1-fd00::9]:80-90/100;=;OK
-p tcp -j DNAT --to-destination :80;=;OK
-j DNAT --to-destination fd00::1-fd00::2 --random --persistent;=;OK

*nat
:PREROUTING
%6
-j DNAT --to-destination 1.2.3.4;;FAIL;Bad IP address "1.2.3.4"
-j DNAT --to-destination [fd00::1]:80;;FAIL;Need TCP, UDP, SCTP or DCCP with port specification
-p tcp -j DNAT --to-destination [fd00::1]:80:90;;FAIL;Invalid port:port syntax - use dash

*nat
:POSTROUTING
%4
-j DNAT --to-destination 1.2.3.4;;FAIL;x_tables: ip_tables: DNAT target: used from hooks POSTROUTING, but only usable from PREROUTING/OUTPUT

*nat
:INPUT
%4
-j DNAT --to-destination 1.2.3.4;;FAIL;x_tables: ip_tables: DNAT target: used from hooks INPUT, but only usable from PREROUTING/OUTPUT

*filter
:INPUT
%6
-j DNAT --to-destination fd00::1;;FAIL;x_tables: ip6_tables: DNAT target: only valid in nat table, not filter
