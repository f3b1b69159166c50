# What iptables 1.8.9 and Linux 6.18 say, recorded.

*mangle
:PREROUTING,INPUT,FORWARD,OUTPUT,POSTROUTING
%46
-j CONNMARK --set-xmark 0x1/0xff;=;OK
-j CONNMARK --set-mark 1;-j CONNMARK --set-xmark 0x1/0xffffffff;OK
-j CONNMARK --set-mark 1/3;-j CONNMARK --set-xmark 0x1/0x3;OK
-j CONNMARK --and-mark 0xff;-j CONNMARK --set-xmark 0x0/0xffffff00;OK
-j CONNMARK --or-mark 0x80;-j CONNMARK --set-xmark 0x80/0x80;OK
-j CONNMARK --xor-mark 7;-j CONNMARK --set-xmark 0x7/0x0;OK
-j CONNMARK --save-mark;-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff;OK
-j CONNMARK --restore-mark;-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff;OK
-j CONNMARK --save-mark --mask 0xff;-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff;OK
-j CONNMARK --restore-mark --mask 0xff;-j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff;OK
-j CONNMARK --save-mark --nfmask 0xf --ctmask 0xf0;=;OK
-j CONNMARK --restore-mark --ctmask 1;-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0x1;OK
-j CONNMARK --restore-mark --nfmask 2;-j CONNMARK --restore-mark --nfmask 0x2 --ctmask 0xffffffff;OK
-j CONNMARK --save-mark --left-shift-mark 4;-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff --left-shift-mark 4;OK
-j CONNMARK --restore-mark --right-shift-mark 31;-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff --right-shift-mark 31;OK
-j CONNMARK --set-xmark 1 --left-shift-mark 8;-j CONNMARK --set-xmark 0x1/0xffffffff --left-shift-mark 8;OK
-j CONNMARK --set-mark 1 --right-shift-mark 0;-j CONNMARK --set-xmark 0x1/0xffffffff;OK
-j CONNMARK --left-shift-mark 3 --right-shift-mark 5 --save-mark;-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff --right-shift-mark 5;OK

*mangle
:FORWARD
%46
-j CONNMARK;;FAIL;CONNMARK target: No operation specified
-j CONNMARK --mask 1;;FAIL;CONNMARK target: No operation specified
-j CONNMARK --save-mark --restore-mark;;FAIL;CONNMARK: option "--save-mark" cannot be used together with "--restore-mark".
-j CONNMARK --set-mark 1 --save-mark;;FAIL;CONNMARK: option "--set-mark" cannot be used together with "--save-mark".
-j CONNMARK --set-xmark 1 --mask 7;-j CONNMARK --set-xmark 0x1/0x7;OK
-j CONNMARK --mask 7 --set-xmark 1;-j CONNMARK --set-xmark 0x1/0xffffffff;OK
-j CONNMARK --save-mark --mask 1 --ctmask 2;;FAIL;CONNMARK: option "--ctmask" cannot be used together with "--mask".
-j CONNMARK --save-mark --nfmask 2 --mask 1;;FAIL;CONNMARK: option "--nfmask" cannot be used together with "--mask".
-j CONNMARK --save-mark --left-shift-mark 32;;FAIL;Invalid argument
-j CONNMARK --save-mark --left-shift-mark 33;;FAIL;CONNMARK: bad value for option "--left-shift-mark", or out of range (0-32).
-j CONNMARK --set-mark x;;FAIL;CONNMARK: bad integer value for option "--set-mark", or out of range.
-j CONNMARK --set-mark 1/x;;FAIL;CONNMARK: bad integer value for option "--set-mark", or out of range.
-j CONNMARK --save-mark --mask x;;FAIL;CONNMARK: bad value for option "--mask", or out of range (0-4294967295).
-j CONNMARK ! --save-mark;;FAIL;CONNMARK: option "--save-mark" cannot be inverted.
-j CONNMARK --save-mark --save-mark;;FAIL;CONNMARK: option "--save-mark" can only be used once.
-j CONNMARK --left-shift-mark 1;;FAIL;CONNMARK target: No operation specified
-j CONNMARK --xor-mark 1 --and-mark 2;;FAIL;CONNMARK: option "--and-mark" cannot be used together with "--xor-mark".
-j CONNMARK --nfmask 3 --save-mark;-j CONNMARK --save-mark --nfmask 0x3 --ctmask 0xffffffff;OK

*filter
:FORWARD
%46
-j CONNMARK --save-mark;-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff;OK

*raw
:PREROUTING
%46
-j CONNMARK --restore-mark;-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff;OK
-j CONNMARK --save-mark --or-mark 6 --and-mark 5 --set-xmark 8;;FAIL;CONNMARK: option "--set-xmark" cannot be used together with "--save-mark".
-j CONNMARK --restore-mark --and-mark 5 --or-mark 6;;FAIL;CONNMARK: option "--and-mark" cannot be used together with "--restore-mark".
