# What iptables 1.8.9 and Linux 6.18 say, recorded.

*mangle
:PREROUTING,INPUT,FORWARD,OUTPUT,POSTROUTING
%46
-j MARK --set-xmark 0x1/0xff;=;OK
-j MARK --set-mark 1;-j MARK --set-xmark 0x1/0xffffffff;OK
-j MARK --set-mark 1/3;-j MARK --set-xmark 0x1/0x3;OK
-j MARK --set-mark 0xf0/0xf;-j MARK --set-xmark 0xf0/0xff;OK
-j MARK --set-xmark 5;-j MARK --set-xmark 0x5/0xffffffff;OK
-j MARK --and-mark 0xff;-j MARK --set-xmark 0x0/0xffffff00;OK
-j MARK --or-mark 0x80;-j MARK --set-xmark 0x80/0x80;OK
-j MARK --xor-mark 7;-j MARK --set-xmark 0x7/0x0;OK
-j MARK --set-mark 4294967295;-j MARK --set-xmark 0xffffffff/0xffffffff;OK
-j MARK --set-mark 010;-j MARK --set-xmark 0x8/0xffffffff;OK
-j MARK --and-mark 0;-j MARK --set-xmark 0x0/0xffffffff;OK
-j MARK --or-mark 0;-j MARK --set-xmark 0x0/0x0;OK
-j MARK --set-xmark 0/0;-j MARK --set-xmark 0x0/0x0;OK

*mangle
:FORWARD
%46
-j MARK;;FAIL;MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required
-j MARK --set-mark;;FAIL;option "--set-mark" requires an argument
-j MARK --set-mark x;;FAIL;MARK: bad integer value for option "--set-mark", or out of range.
-j MARK --set-mark 1/;;FAIL;MARK: bad integer value for option "--set-mark", or out of range.
-j MARK --set-mark 1/x;;FAIL;MARK: bad integer value for option "--set-mark", or out of range.
-j MARK --set-mark 4294967296;;FAIL;MARK: bad integer value for option "--set-mark", or out of range.
-j MARK --set-mark -1;;FAIL;MARK: bad integer value for option "--set-mark", or out of range.
-j MARK --and-mark x;;FAIL;MARK: bad value for option "--and-mark", or out of range (0-4294967295).
-j MARK --and-mark 1/2;;FAIL;MARK: bad value for option "--and-mark", or out of range (0-4294967295).
-j MARK --set-mark 1 --or-mark 2;;FAIL;MARK: option "--set-mark" cannot be used together with "--or-mark".
-j MARK --or-mark 1 --set-xmark 2;;FAIL;MARK: option "--set-xmark" cannot be used together with "--or-mark".
-j MARK --set-mark 1 --set-mark 2;;FAIL;MARK: option "--set-mark" can only be used once.
-j MARK ! --set-mark 1;;FAIL;MARK: option "--set-mark" cannot be inverted.
-j MARK --xor-mark 1 --and-mark 2;;FAIL;MARK: option "--and-mark" cannot be used together with "--xor-mark".
-j MARK --mark 1;;FAIL;unknown option "--mark"

*filter
:INPUT,FORWARD,OUTPUT
%46
-j MARK --set-mark 2;-j MARK --set-xmark 0x2/0xffffffff;OK
