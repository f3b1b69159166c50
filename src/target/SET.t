# What iptables 1.8.9 and Linux 6.18 say, recorded.
-j SET --add-set s4 src;=;OK
-j SET --add-set s4 src,dst;=;OK
-j SET --add-set s4 src --exist;=;OK
-j SET --add-set s4 src --exist --timeout 60;=;OK
-j SET --timeout 0x10 --exist --add-set s4 src;-j SET --add-set s4 src --exist --timeout 16;OK
-j SET --add-set s4 src --timeout 0;=;OK
-j SET --add-set s4 src --timeout 4294967294;=;OK
-j SET --add-set s4 src --timeout 4294967295;;FAIL;Invalid value for option --timeout or out of range 0-4294967294
-j SET --add-set s4 src --timeout x;;FAIL;Invalid value for option --timeout or out of range 0-4294967294
-j SET --add-set s4 src --timeout 1 --timeout 2;-j SET --add-set s4 src --timeout 2;OK
-j SET --add-set s4 src --exist --exist;-j SET --add-set s4 src --exist;OK
-j SET --del-set s4 dst;=;OK
-j SET --del-set s4 dst --add-set s4 src;-j SET --add-set s4 src --del-set s4 dst;OK
-j SET ! --add-set s4 src;-j SET --add-set s4 src;OK
-j SET ! --del-set s4 src;-j SET --del-set s4 src;OK
-j SET --add-set s4 src ! --exist;-j SET --add-set s4 src --exist;OK
-j SET --add-set s4 src --add-set s4 src;;FAIL;--add-set can be specified only once
-j SET --del-set s4 src --del-set s4 src;;FAIL;--del-set can be specified only once
-j SET --add-set s4;;FAIL;--add-set requires two args.
-j SET --add-set s4 --exist;;FAIL;--add-set requires two args.
-j SET --add-set s4 from;;FAIL;You must spefify (the comma separated list of) 'src' or 'dst'.
-j SET --add-set s4 src,dst,src,dst,src,dst,src;;FAIL;Can't be more src/dst options than 6.
-j SET --add-set averyveryverylongsetnamethatisnot1 src;;FAIL;setname `averyveryverylongsetnamethatisnot1' too long, max 31 characters.
-j SET --del-set s4 src --exist;;FAIL;Flag `--exist' can be used with `--add-set' only
-j SET --del-set s4 src --timeout 5;;FAIL;Option `--timeout' can be used with `--add-set' only
-j SET --del-set s4 src --map-mark;;FAIL;Flag `--map-mark' can be used with `--map-set' only
-j SET --add-set s4 src --map-prio;;FAIL;Flag `--map-prio' can be used with `--map-set' only
-j SET --add-set s4 src --map-queue;;FAIL;Flag `--map-queue' can be used with `--map-set' only
-j SET --exist;;FAIL;You must specify either `--add-set' or `--del-set' or `--map-set'
-j SET;;FAIL;You must specify either `--add-set' or `--del-set' or `--map-set'
-j SET --map-set k4 src;;FAIL;You must specify flags `--map-mark' or '--map-prio` or `--map-queue'
-j SET --map-set k4 src --map-mark;;FAIL;--map-set only usable from mangle table
-j SET --map-set k4 src --exist --map-mark;;FAIL;Flag `--exist' can be used with `--add-set' only
*mangle
-j SET --add-set s4 src --exist --timeout 9 --del-set p4 src,dst --map-set k4 dst --map-mark;=;OK
-j SET --map-set k4 src --map-set k4 src --map-mark;;FAIL;--map-set can be specified only once
-j SET --map-set k4 src --map-mark --map-mark;-j SET --map-set k4 src --map-mark;OK
:PREROUTING
-j SET --map-set k4 src --map-mark;=;OK
-j SET --map-set k4 src --map-prio;;FAIL;mapping of prio or/and queue is allowed only from OUTPUT/FORWARD/POSTROUTING chains
-j SET --map-set k4 src --map-queue --map-mark;;FAIL;mapping of prio or/and queue is allowed only from OUTPUT/FORWARD/POSTROUTING chains
:OUTPUT,FORWARD,POSTROUTING
-j SET --map-set k4 src --map-queue --map-prio --map-mark;-j SET --map-set k4 src --map-mark --map-prio --map-queue;OK
*filter
%6
-j SET --add-set s6 src --exist;=;OK
