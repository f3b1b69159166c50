# What iptables 1.8.9 and Linux 6.18 say, recorded.
*mangle
:PREROUTING,INPUT,FORWARD,OUTPUT,POSTROUTING
%46
-j DSCP --set-dscp 0;-j DSCP --set-dscp 0x00;OK
-j DSCP --set-dscp 0x3f;=;OK
-j DSCP --set-dscp-class EF;-j DSCP --set-dscp 0x2e;OK
-j DSCP --set-dscp-class cs3;-j DSCP --set-dscp 0x18;OK
-j DSCP --set-dscp-class x;;FAIL;Invalid DSCP value `x'
-j DSCP --set-dscp 64;;FAIL;DSCP: bad value for option "--set-dscp", or out of range (0-63).
-j DSCP --set-dscp -1;;FAIL;DSCP: bad value for option "--set-dscp", or out of range (0-63).
-j DSCP ! --set-dscp 1;;FAIL;DSCP: option "--set-dscp" cannot be inverted.
-j DSCP --set-dscp 1 --set-dscp-class EF;;FAIL;DSCP: option "--set-dscp" cannot be used together with "--set-dscp-class".
-j DSCP;;FAIL;DSCP target: Parameter --set-dscp is required

