# What iptables 1.8.9 and Linux 6.18 say, recorded.

*filter
:INPUT,FORWARD,OUTPUT
%46
-j ACCEPT;=;OK
-p tcp -j ACCEPT;=;OK

*filter
:INPUT
%46
-j ACCEPT --foo;;FAIL;unknown option "--foo"
-j ACCEPT -j DROP;;FAIL;multiple -j flags not allowed
-g ACCEPT;;FAIL;goto 'ACCEPT' is not a chain

*mangle
:PREROUTING,INPUT,FORWARD,OUTPUT,POSTROUTING
%46
-j ACCEPT;=;OK
