# What iptables 1.8.9 and Linux 6.18 say, recorded.

*filter
:INPUT,FORWARD,OUTPUT
%46
-j LOG;=;OK
-j LOG --log-prefix x;=;OK
-j LOG --log-prefix "a b";=;OK
-j LOG --log-prefix "it's";-j LOG --log-prefix "it\'s";OK
-j LOG --log-prefix "say \"hi\"";=;OK
-j LOG --log-level 0;=;OK
-j LOG --log-level 4;-j LOG;OK
-j LOG --log-level warning;-j LOG;OK
-j LOG --log-level 7;=;OK
-j LOG --log-level debug;-j LOG --log-level 7;OK
-j LOG --log-level emerg;-j LOG --log-level 0;OK
-j LOG --log-level panic;-j LOG --log-level 0;OK
-j LOG --log-level notice;-j LOG --log-level 5;OK
-j LOG --log-level error;-j LOG --log-level 3;OK
-j LOG --log-tcp-sequence;=;OK
-j LOG --log-tcp-options;=;OK
-j LOG --log-ip-options;=;OK
-j LOG --log-uid;=;OK
-j LOG --log-macdecode;=;OK
-j LOG --log-macdecode --log-uid --log-ip-options --log-tcp-options --log-tcp-sequence --log-level 1 --log-prefix p;-j LOG --log-prefix p --log-level 1 --log-tcp-sequence --log-tcp-options --log-ip-options --log-uid --log-macdecode;OK
-j LOG --log-prefix 123456789012345678901234567890;-j LOG --log-prefix 12345678901234567890123456789;OK

*filter
:INPUT
%46
-j LOG --log-prefix "";;FAIL;Argument must have a minimum length of 1 characters
-j LOG --log-level 8;;FAIL;log level "8" unknown
-j LOG --log-level warn;;FAIL;log level "warn" unknown
-j LOG --log-level loud;;FAIL;log level "loud" unknown
-j LOG --log-level -1;;FAIL;log level "-1" unknown
-j LOG --log-level;;FAIL;option "--log-level" requires an argument
-j LOG --log-prefix;;FAIL;option "--log-prefix" requires an argument
-j LOG --log-prefix a --log-prefix b;;FAIL;LOG: option "--log-prefix" can only be used once.
-j LOG ! --log-uid;;FAIL;LOG: option "--log-uid" cannot be inverted.
-j LOG --log-uid --log-uid;;FAIL;LOG: option "--log-uid" can only be used once.
-j LOG --log-everything;;FAIL;unknown option "--log-everything"
-j LOG --log-level 0x6;-j LOG --log-level 6;OK
-j LOG --log-prefix x --log-lev 3;-j LOG --log-prefix x --log-level 3;OK
-j LOG --log-prefix a\\b;-j LOG --log-prefix "a\\\\b";OK

*mangle
:PREROUTING,INPUT,FORWARD,OUTPUT,POSTROUTING
%46
-j LOG;=;OK

*raw
:PREROUTING,OUTPUT
%46
-j LOG;=;OK

*nat
:PREROUTING,POSTROUTING
%46
-j LOG;=;OK
