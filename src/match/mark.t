# -m mark: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
-m mark --mark 0xfeedcafe/0xfeedcafe;=;OK
-m mark --mark 0;-m mark --mark 0x0;OK
-m mark --mark 4294967295;-m mark --mark 0xffffffff;OK
-m mark ! --mark 0x1/0xff;=;OK
-m mark --mark 0x1/0xffffffff;-m mark --mark 0x1;OK
# a value outside its mask is taken, and never matches
-m mark --mark 0xf0/0x0f;-m mark --mark 0xf0/0xf;OK
-m mark --mark 4294967296;;FAIL;mark: bad integer value for option "--mark", or out of range.
-m mark --mark -1;;FAIL;mark: bad integer value for option "--mark", or out of range.
-m mark --mark 1x;;FAIL;mark: trailing garbage after value for option "--mark".
-m mark --mark 1/;;FAIL;mark: bad integer value for option "--mark", or out of range.
-m mark --mark 1 --mark 2;;FAIL;mark: option "--mark" can only be used once.
-m mark;;FAIL;mark: option "--mark" must be specified
%6
-m mark --mark 0x10;=;OK
