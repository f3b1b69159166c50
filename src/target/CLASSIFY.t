# -j CLASSIFY: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
*mangle
:FORWARD,OUTPUT,POSTROUTING
-j CLASSIFY --set-class 0000:ffff;=;OK
-j CLASSIFY --set-class 1:2;-j CLASSIFY --set-class 0001:0002;OK
-j CLASSIFY --set-class a:b;-j CLASSIFY --set-class 000a:000b;OK
-j CLASSIFY --set-class 0x10:0X1f;-j CLASSIFY --set-class 0010:001f;OK
-j CLASSIFY --set-class 12345:12345;-j CLASSIFY --set-class 2345:2345;OK
-j CLASSIFY --set-class 1:2x;-j CLASSIFY --set-class 0001:0002;OK
-j CLASSIFY --set-class 1;;FAIL;Bad class value "1"
-j CLASSIFY --set-class 1:;;FAIL;Bad class value "1:"
-j CLASSIFY --set-class :1;;FAIL;Bad class value ":1"
-j CLASSIFY --set-class x:y;;FAIL;Bad class value "x:y"
-j CLASSIFY --set-class -1:-1;-j CLASSIFY --set-class ffff:ffff;OK
-j CLASSIFY;;FAIL;CLASSIFY: option "--set-class" must be specified
%6
-j CLASSIFY --set-class 1:20;-j CLASSIFY --set-class 0001:0020;OK
*filter
:OUTPUT
-j CLASSIFY --set-class 1:20;-j CLASSIFY --set-class 0001:0020;OK
:INPUT
-j CLASSIFY --set-class 1:20;;FAIL;x_tables: ip6_tables: CLASSIFY target: used from hooks INPUT, but only usable from FORWARD/OUTPUT/POSTROUTING
