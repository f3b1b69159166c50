# What iptables 1.8.9 and Linux 6.18 say, recorded.

*nat
:INPUT,POSTROUTING
%4
-j SNAT --to-source 1.2.3.4;=;OK
-j SNAT --to-source 1.2.3.4-1.2.3.9;=;OK
-p tcp -j SNAT --to-source 1.2.3.4:80;=;OK
-p tcp -j SNAT --to-source 1.2.3.4:80-90;=;OK
-p udp -j SNAT --to-source :80-90;=;OK
-p tcp -j SNAT --to-source 1.2.3.4-1.2.3.9:1024-65535;=;OK
-j SNAT --to-source 1.2.3.4 --random;=;OK
-j SNAT --to-source 1.2.3.4 --random-fully;=;OK
-j SNAT --to-source 1.2.3.4 --persistent;=;OK
-j SNAT --persistent --random-fully --random --to-source 1.2.3.4;-j SNAT --to-source 1.2.3.4 --random --random-fully --persistent;OK
-p icmp -j SNAT --to-source 1.2.3.4:5-6;=;OK
-p sctp -j SNAT --to-source 1.2.3.4:http;-p sctp -j SNAT --to-source 1.2.3.4:80;OK
-p dccp -j SNAT --to-source 1.2.3.4:0;=;OK
-j SNAT --to-source 1.2.3.9-1.2.3.4;=;OK
-p tcp -j SNAT --to-source 1.2.3.4:80-80;-p tcp -j SNAT --to-source 1.2.3.4:80;OK
-p tcp -j SNAT --to-source 1.2.3.4:10-20/30;-p tcp -j SNAT --to-source 1.2.3.4:10-20/0;OK

*nat
:POSTROUTING
%4
-j SNAT;;FAIL;SNAT: option "--to-source" must be specified
-j SNAT --to-source;;FAIL;option "--to-source" requires an argument
-j SNAT --to-source 1.2.3;;FAIL;Bad IP address "1.2.3"
-j SNAT --to-source 1.2.3.4:80;;FAIL;Need TCP, UDP, SCTP or DCCP with port specification
-p gre -j SNAT --to-source 1.2.3.4:80;;FAIL;Need TCP, UDP, SCTP or DCCP with port specification
-p tcp -j SNAT --to-source 1.2.3.4:80:90;;FAIL;Bad IP address "1.2.3.4:80:90"
-p tcp -j SNAT --to-source 1.2.3.4:65536;;FAIL;Port `65536' not valid
-p tcp -j SNAT --to-source 1.2.3.4:90-80;;FAIL;Port range `80' funky
-p tcp -j SNAT --to-source 1.2.3.4:80-x;;FAIL;Port `x' not valid
-p tcp -j SNAT --to-source 1.2.3.4:80x;;FAIL;Garbage after port value: `x'
-p tcp -j SNAT --to-source 1.2.3.4:80-90x;;FAIL;Garbage after port range: `x'
-p tcp -j SNAT --to-source 1.2.3.4:nosuchport;;FAIL;Port `nosuchport' not valid
-p tcp -j SNAT --to-source 1.2.3.4:http-ftp;;FAIL;Port `http-ftp' not valid
-j SNAT --to-source 1.2.3.4-;;FAIL;Bad IP address ""
-j SNAT --to-source -1.2.3.4;;FAIL;Bad IP address ""
-j SNAT --to-source [::1];;FAIL;Invalid address format
-j SNAT --to-source fd00::1;;FAIL;Bad IP address "fd00::1"
-j SNAT --to-source 1.2.3.4 --to-source 1.2.3.5;;FAIL;SNAT: option "--to-source" can only be used once.
-j SNAT ! --to-source 1.2.3.4;;FAIL;SNAT: option "--to-source" cannot be inverted.
-j SNAT --to-source host.example;;FAIL;Bad IP address "host.example"
-j SNAT --to-source 1.2.3.4 --to-ports 5;;FAIL;unknown option "--to-ports"
-p tcp -j SNAT --to-source 1.2.3.4:;;FAIL;Port `' not valid
-p tcp -j SNAT --to-source :;;FAIL;Port `' not valid
-j SNAT --to-source "";;FAIL;Bad IP address ""
! -p tcp -j SNAT --to-source 1.2.3.4:80;=;OK
-p tcp -j SNAT --to-source 1.2.3.4:80-90/;;FAIL;Port `' not valid
-p tcp -j SNAT --to-source 1.2.3.4:0x10-0x20;-p tcp -j SNAT --to-source 1.2.3.4:16-32;OK
-p tcp -j SNAT --to-source 1.2.3.4:10-20/30x;-p tcp -j SNAT --to-source 1.2.3.4:10-20/0;OK

*nat
:INPUT,POSTROUTING
%6
-j SNAT --to-source fd00::1;=;OK
-j SNAT --to-source fd00::1-fd00::9;=;OK
-p tcp -j SNAT --to-source [fd00::1]:80;=;OK
-p tcp -j SNAT --to-source [fd00::1-fd00::9]:80-90;=;OK
-p tcp -j SNAT --to-source :80;=;OK
-p tcp -j SNAT --to-source []:80;-p tcp -j SNAT --to-source :80;OK
-j SNAT --to-source [fd00::1];-j SNAT --to-source fd00::1;OK
-j SNAT --to-source fd00::1 --random --random-fully --persistent;=;OK
-p icmp -j SNAT --to-source :1-2;=;OK
-j SNAT --to-source ::ffff:1.2.3.4;=;OK
-p tcp -j SNAT --to-source [fd00::1]:10-20/30;-p tcp -j SNAT --to-source [fd00::1]:10-20/0;OK

*nat
:POSTROUTING
%6
-j SNAT --to-source 1.2.3.4;;FAIL;Bad IP address "1.2.3.4"
-j SNAT --to-source [fd00::1;;FAIL;Invalid address format
-j SNAT --to-source [fd00::1]:80;;FAIL;Need TCP, UDP, SCTP or DCCP with port specification
-p icmpv6 -j SNAT --to-source [fd00::1]:80;;FAIL;Need TCP, UDP, SCTP or DCCP with port specification
-p tcp -j SNAT --to-source [fd00::1]-[fd00::2]:80;;FAIL;Port `:2]:80' not valid
-p tcp -j SNAT --to-source fd00::1:80;=;OK
-j SNAT --to-source fd00::x;;FAIL;Bad IP address "fd00::x"
-j SNAT;;FAIL;SNAT: option "--to-source" must be specified

*nat
:PREROUTING
%4
-j SNAT --to-source 1.2.3.4;;FAIL;x_tables: ip_tables: SNAT target: used from hooks PREROUTING, but only usable from INPUT/POSTROUTING

*nat
:OUTPUT
%4
-j SNAT --to-source 1.2.3.4;;FAIL;x_tables: ip_tables: SNAT target: used from hooks OUTPUT, but only usable from INPUT/POSTROUTING

*nat
:PREROUTING
%6
-j SNAT --to-source fd00::1;;FAIL;x_tables: ip6_tables: SNAT target: used from hooks PREROUTING, but only usable from INPUT/POSTROUTING

*filter
:FORWARD
%4
-j SNAT --to-source 1.2.3.4;;FAIL;x_tables: ip_tables: SNAT target: only valid in nat table, not filter

*mangle
:POSTROUTING
%6
-j SNAT --to-source fd00::1;;FAIL;x_tables: ip6_tables: SNAT target: only valid in nat table, not mangle
