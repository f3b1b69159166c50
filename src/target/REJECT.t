# What iptables 1.8.9 and Linux 6.18 say, recorded.

*filter
:INPUT,FORWARD,OUTPUT
%4
-j REJECT;-j REJECT --reject-with icmp-port-unreachable;OK
-j REJECT --reject-with icmp-net-unreachable;=;OK
-j REJECT --reject-with icmp-host-unreachable;=;OK
-j REJECT --reject-with icmp-proto-unreachable;=;OK
-j REJECT --reject-with icmp-port-unreachable;=;OK
-j REJECT --reject-with icmp-net-prohibited;=;OK
-j REJECT --reject-with icmp-host-prohibited;=;OK
-j REJECT --reject-with icmp-admin-prohibited;=;OK
-j REJECT --reject-with net-unreach;-j REJECT --reject-with icmp-net-unreachable;OK
-j REJECT --reject-with host-unreach;-j REJECT --reject-with icmp-host-unreachable;OK
-j REJECT --reject-with proto-unreach;-j REJECT --reject-with icmp-proto-unreachable;OK
-j REJECT --reject-with port-unreach;-j REJECT --reject-with icmp-port-unreachable;OK
-j REJECT --reject-with net-prohib;-j REJECT --reject-with icmp-net-prohibited;OK
-j REJECT --reject-with host-prohib;-j REJECT --reject-with icmp-host-prohibited;OK
-j REJECT --reject-with admin-prohib;-j REJECT --reject-with icmp-admin-prohibited;OK
-j REJECT --reject-with icmp;-j REJECT --reject-with icmp-net-unreachable;OK
-j REJECT --reject-with i;-j REJECT --reject-with icmp-net-unreachable;OK
-j REJECT --reject-with icmp-n;-j REJECT --reject-with icmp-net-unreachable;OK
-j REJECT --reject-with ICMP-HOST-P;-j REJECT --reject-with icmp-host-prohibited;OK
-j REJECT --reject-with net;-j REJECT --reject-with icmp-net-unreachable;OK
-j REJECT --reject-with host;-j REJECT --reject-with icmp-host-unreachable;OK
-p tcp -j REJECT --reject-with tcp-reset;=;OK
-p tcp -j REJECT --reject-with tcp-rst;-p tcp -j REJECT --reject-with tcp-reset;OK
-p tcp -j REJECT --reject-with t;-p tcp -j REJECT --reject-with tcp-reset;OK
-p 6 -j REJECT --reject-with tcp-reset;-p tcp -j REJECT --reject-with tcp-reset;OK

*filter
:INPUT,FORWARD,OUTPUT
%6
-j REJECT;-j REJECT --reject-with icmp6-port-unreachable;OK
-j REJECT --reject-with icmp6-no-route;=;OK
-j REJECT --reject-with icmp6-adm-prohibited;=;OK
-j REJECT --reject-with icmp6-addr-unreachable;=;OK
-j REJECT --reject-with icmp6-port-unreachable;=;OK
-j REJECT --reject-with icmp6-policy-fail;=;OK
-j REJECT --reject-with icmp6-reject-route;=;OK
-j REJECT --reject-with no-route;-j REJECT --reject-with icmp6-no-route;OK
-j REJECT --reject-with adm-prohibited;-j REJECT --reject-with icmp6-adm-prohibited;OK
-j REJECT --reject-with addr-unreach;-j REJECT --reject-with icmp6-addr-unreachable;OK
-j REJECT --reject-with port-unreach;-j REJECT --reject-with icmp6-port-unreachable;OK
-j REJECT --reject-with policy-fail;-j REJECT --reject-with icmp6-policy-fail;OK
-j REJECT --reject-with reject-route;-j REJECT --reject-with icmp6-reject-route;OK
-j REJECT --reject-with icmp6;-j REJECT --reject-with icmp6-no-route;OK
-j REJECT --reject-with icmp6-a;-j REJECT --reject-with icmp6-adm-prohibited;OK
-j REJECT --reject-with ICMP6-REJ;-j REJECT --reject-with icmp6-reject-route;OK
-j REJECT --reject-with p;-j REJECT --reject-with icmp6-port-unreachable;OK
-p tcp -j REJECT --reject-with tcp-reset;=;OK
-p tcp -j REJECT --reject-with tcp;-p tcp -j REJECT --reject-with tcp-reset;OK

*filter
:INPUT
%4
-j REJECT --reject-with;;FAIL;option "--reject-with" requires an argument
-j REJECT --reject-with no;;FAIL;unknown reject type "no"
-j REJECT --reject-with icmp6-no-route;;FAIL;unknown reject type "icmp6-no-route"
-j REJECT --reject-with echo-reply;;FAIL;unknown reject type "echo-reply"
-j REJECT --reject-with tcp-reset;;FAIL;ipt_REJECT: TCP_RESET invalid for non-tcp
-p udp -j REJECT --reject-with tcp-reset;;FAIL;ipt_REJECT: TCP_RESET invalid for non-tcp
! -p tcp -j REJECT --reject-with tcp-reset;;FAIL;ipt_REJECT: TCP_RESET invalid for non-tcp
-j REJECT ! --reject-with net;;FAIL;REJECT: option "--reject-with" cannot be inverted.
-j REJECT --reject-with net --reject-with host;;FAIL;REJECT: option "--reject-with" can only be used once.
-j REJECT --with net;;FAIL;unknown option "--with"

*filter
:INPUT
%6
-j REJECT --reject-with icmp-net-unreachable;;FAIL;unknown reject type "icmp-net-unreachable"
-j REJECT --reject-with beyond-scope;;FAIL;unknown reject type "beyond-scope"
-j REJECT --reject-with tcp-reset;;FAIL;ip6t_REJECT: TCP_RESET illegal for non-tcp
-p udp -j REJECT --reject-with tcp-reset;;FAIL;ip6t_REJECT: TCP_RESET illegal for non-tcp
! -p tcp -j REJECT --reject-with tcp-reset;;FAIL;ip6t_REJECT: TCP_RESET illegal for non-tcp

*mangle
:INPUT
%4
-j REJECT;;FAIL;x_tables: ip_tables: REJECT target: only valid in filter table, not mangle

*mangle
:FORWARD
%6
-j REJECT;;FAIL;x_tables: ip6_tables: REJECT target: only valid in filter table, not mangle

*raw
:PREROUTING
%4
-j REJECT;;FAIL;x_tables: ip_tables: REJECT target: only valid in filter table, not raw

*nat
:PREROUTING
%4
-j REJECT;;FAIL;x_tables: ip_tables: REJECT target: only valid in filter table, not nat
