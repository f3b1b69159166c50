# What iptables 1.8.9 and Linux 6.18 say, recorded.

*filter
:INPUT,FORWARD,OUTPUT,web
%46
-j RETURN;=;OK

*filter
:INPUT
%46
-j RETURN --with 5;;FAIL;unknown option "--with"
