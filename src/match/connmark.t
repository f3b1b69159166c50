# -m connmark: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
-m connmark --mark 0x2a;=;OK
-m connmark ! --mark 0x1/0x3;=;OK
-m connmark --mark x;;FAIL;connmark: bad integer value for option "--mark", or out of range.
-m connmark;;FAIL;connmark: option "--mark" must be specified
%6
-m connmark --mark 0x2a;=;OK
