# What iptables 1.8.9 and Linux 6.18 say, recorded.

*mangle
:PREROUTING,INPUT,FORWARD,OUTPUT,POSTROUTING
%6
-j HL --hl-set 64;=;OK
-j HL --hl-set 0;=;OK
-j HL --hl-dec 1;=;OK
-j HL --hl-inc 255;=;OK

*mangle
:PREROUTING
%6
-j HL;;FAIL;HL: You must specify an action
-j HL --hl-set 256;;FAIL;HL: bad value for option "--hl-set", or out of range (0-255).
-j HL --hl-dec 0;;FAIL;HL: bad value for option "--hl-dec", or out of range (1-255).
-j HL --hl-inc 0;;FAIL;HL: bad value for option "--hl-inc", or out of range (1-255).
-j HL --hl-inc 1 --hl-dec 1;;FAIL;HL: option "--hl-dec" cannot be used together with "--hl-inc".
-j HL --hl-set 1 --hl-inc 1;;FAIL;HL: option "--hl-set" cannot be used together with "--hl-inc".
-j HL --hl-set x;;FAIL;HL: bad value for option "--hl-set", or out of range (0-255).
-j HL --hl-dec 1 --hl-dec 2;;FAIL;HL: option "--hl-dec" can only be used once.

*filter
:FORWARD
%6
-j HL --hl-set 1;;FAIL;x_tables: ip6_tables: HL target: only valid in mangle table, not filter

*mangle
:PREROUTING
%4
-j HL --hl-set 1;;FAIL;unknown option "--hl-set"
