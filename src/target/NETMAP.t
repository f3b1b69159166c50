# What iptables 1.8.9 and Linux 6.18 say, recorded.

*nat
:PREROUTING,INPUT,OUTPUT,POSTROUTING
%4
-j NETMAP --to 1.2.3.0/24;=;OK
-j NETMAP --to 1.2.3.4;-j NETMAP --to 1.2.3.4/32;OK
-j NETMAP --to 1.2.3.4/24;-j NETMAP --to 1.2.3.0/24;OK
-j NETMAP --to 10.0.0.0/255.0.0.0;-j NETMAP --to 10.0.0.0/8;OK
-j NETMAP --to 10.0.0.0/255.0.255.0;-j NETMAP --to 10.0.0.0/32;OK
-j NETMAP --to 0.0.0.0/0;=;OK
-j NETMAP --to 1.2.3.4/32;=;OK

*nat
:PREROUTING,INPUT,OUTPUT,POSTROUTING
%6
-j NETMAP --to fd00::/64;=;OK
-j NETMAP --to fd00::1;-j NETMAP --to fd00::1/128;OK
-j NETMAP --to fd00::1/16;-j NETMAP --to fd00::/16;OK
-j NETMAP --to fd00::/ffff::;-j NETMAP --to fd00::/16;OK
-j NETMAP --to fd00:1:2::/ff00:ffff::;-j NETMAP --to fd00:1:2::/128;OK
-j NETMAP --to ::/0;=;OK

*nat
:PREROUTING
%4
-j NETMAP;;FAIL;NETMAP: option "--to" must be specified
-j NETMAP --to;;FAIL;option "--to" requires an argument
-j NETMAP --to 1.2.3.0/33;-j NETMAP --to 1.2.3.0/32;OK
-j NETMAP --to fd00::/64;;FAIL;getaddrinfo: Address family for hostname not supported
-j NETMAP --to 1.2.3.0/24 --to 1.2.4.0/24;;FAIL;NETMAP: option "--to" can only be used once.
-j NETMAP ! --to 1.2.3.0/24;;FAIL;NETMAP: option "--to" cannot be inverted.
-j NETMAP --to 1.2.3.0/24 --random;;FAIL;unknown option "--random"
-j NETMAP --to 1.2.3;-j NETMAP --to 1.2.0.3/32;OK

*nat
:PREROUTING
%6
-j NETMAP --to fd00::/129;;FAIL;NETMAP: bad value for option "--to", neither a valid network mask nor valid CIDR (0-128).
-j NETMAP --to 1.2.3.0/24;;FAIL;getaddrinfo: Address family for hostname not supported

*filter
:FORWARD
%4
-j NETMAP --to 1.2.3.0/24;;FAIL;x_tables: ip_tables: NETMAP target: only valid in nat table, not filter
