# -m rt: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
%6
-m rt;=;OK
-m rt --rt-type 0;=;OK
-m rt ! --rt-type 2;=;OK
-m rt --rt-type 4294967295;=;OK
-m rt --rt-type 0x4;-m rt --rt-type 4;OK
-m rt --rt-segsleft 5;=;OK
-m rt --rt-segsleft 1:3;=;OK
-m rt ! --rt-segsleft 1:3;=;OK
-m rt --rt-segsleft 3:1;=;OK
-m rt --rt-segsleft 2:;-m rt --rt-segsleft 2:4294967295;OK
-m rt --rt-segsleft :2;-m rt --rt-segsleft 0:2;OK
-m rt --rt-segsleft :;-m rt;OK
-m rt ! --rt-segsleft :;-m rt;OK
-m rt --rt-segsleft 0;=;OK
-m rt --rt-len 24;=;OK
-m rt ! --rt-len 24;=;OK
-m rt --rt-len 24 --rt-segsleft 1 --rt-type 0;-m rt --rt-type 0 --rt-segsleft 1 --rt-len 24;OK
-m rt --rt-type 0 --rt-0-res;=;OK
-m rt --rt-type 0 --rt-0-addrs 2001:db8::1;=;OK
-m rt --rt-type 0 --rt-0-addrs 2001:DB8:0::1,::,::ffff:1.2.3.4 --rt-0-not-strict;-m rt --rt-type 0 --rt-0-addrs 2001:db8::1,::,::ffff:1.2.3.4 --rt-0-not-strict;OK
-m rt --rt-type 0 --rt-len 40 --rt-0-not-strict;;FAIL;`--rt-0-addr ...' required before `--rt-0-not-strict'
-m rt --rt-type 0 --rt-0-addrs ::1 --rt-0-res --rt-segsleft 1;-m rt --rt-type 0 --rt-segsleft 1 --rt-0-res --rt-0-addrs ::1;OK
-m rt --rt-type 0 --rt-0-addrs ::1,::2,::3,::4,::5,::6,::7,::8,::9,::a,::b,::c,::d,::e,::f,::10;=;OK
-m rt --rt-type 0 --rt-0-addrs ::1,::2,::3,::4,::5,::6,::7,::8,::9,::a,::b,::c,::d,::e,::f,::10,::11;;FAIL;too many addresses specified
-m rt --rt-type 0 --rt-0-addrs ::1,;;FAIL;bad address:
-m rt --rt-type 0 --rt-0-addrs 1.2.3.4;;FAIL;bad address: 1.2.3.4
-m rt --rt-type 0 --rt-0-addrs ::1 --rt-0-addrs ::2;;FAIL;rt: option "--rt-0-addrs" can only be used once.
-m rt --rt-0-res;;FAIL;`--rt-type 0' required before `--rt-0-res'
-m rt --rt-0-res --rt-type 0;;FAIL;`--rt-type 0' required before `--rt-0-res'
-m rt ! --rt-type 0 --rt-0-res;;FAIL;`--rt-type 0' required before `--rt-0-res'
-m rt --rt-type 2 --rt-0-res;;FAIL;`--rt-type 0' required before `--rt-0-res'
-m rt --rt-0-addrs x;;FAIL;`--rt-type 0' required before `--rt-0-addrs'
-m rt --rt-0-not-strict --rt-type 0 --rt-0-addrs ::1;;FAIL;`--rt-0-addr ...' required before `--rt-0-not-strict'
-m rt --rt-type 0 ! --rt-0-res;;FAIL;rt: option "--rt-0-res" cannot be inverted.
-m rt --rt-type 0 ! --rt-0-addrs ::1;;FAIL;rt: option "--rt-0-addrs" cannot be inverted.
-m rt --rt-type 0 --rt-0-addrs ::1 ! --rt-0-not-strict;;FAIL;rt: option "--rt-0-not-strict" cannot be inverted.
-m rt --rt-type 4294967296;;FAIL;rt: bad value for option "--rt-type", or out of range (0-4294967295).
-m rt --rt-type x;;FAIL;rt: bad value for option "--rt-type", or out of range (0-4294967295).
-m rt --rt-type 0 --rt-type 0;;FAIL;rt: option "--rt-type" can only be used once.
-m rt --rt-len 1:2;;FAIL;rt: bad value for option "--rt-len", or out of range (0-4294967295).
-m rt --rt-segsleft 1:2:3;;FAIL;rt: Too many components for option "--rt-segsleft" (max: 2)
-m rt --rt-segsleft 1x;;FAIL;rt: Argument to "--rt-segsleft" has unexpected characters near "x".
-m rt --rt-segsleft 4294967296;;FAIL;rt: bad value for option "--rt-segsleft" near "4294967296", or out of range (0-4294967295).

%4
-m rt --rt-type 0;;FAIL;Couldn't load match `rt':No such file or directory

%6
-m rt --rt-0-addrs ::1 --rt-0-addrs ::2;;FAIL;`--rt-type 0' required before `--rt-0-addrs'
-p tcp -m rt --rt-0-res -m multiport --ports 80 --ports 90;;FAIL;`--rt-type 0' required before `--rt-0-res'
