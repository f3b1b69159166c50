# What iptables 1.8.9 and Linux 6.18 say, recorded.

*mangle
:PREROUTING,INPUT,FORWARD,OUTPUT,POSTROUTING
%4
-j TTL --ttl-set 64;=;OK
-j TTL --ttl-set 0;=;OK
-j TTL --ttl-set 255;=;OK
-j TTL --ttl-dec 1;=;OK
-j TTL --ttl-inc 255;=;OK

*mangle
:PREROUTING
%4
-j TTL;;FAIL;TTL: You must specify an action
-j TTL --ttl-set 256;;FAIL;TTL: bad value for option "--ttl-set", or out of range (0-255).
-j TTL --ttl-dec 0;;FAIL;TTL: bad value for option "--ttl-dec", or out of range (1-255).
-j TTL --ttl-inc 0;;FAIL;TTL: bad value for option "--ttl-inc", or out of range (1-255).
-j TTL --ttl-inc 1 --ttl-dec 1;;FAIL;TTL: option "--ttl-dec" cannot be used together with "--ttl-inc".
-j TTL --ttl-set 1 --ttl-inc 1;;FAIL;TTL: option "--ttl-set" cannot be used together with "--ttl-inc".
-j TTL --ttl-set x;;FAIL;TTL: bad value for option "--ttl-set", or out of range (0-255).
-j TTL ! --ttl-set 1;;FAIL;TTL: option "--ttl-set" cannot be inverted.
-j TTL --ttl-eq 5;;FAIL;unknown option "--ttl-eq"
-j TTL --ttl-dec 1 --ttl-dec 2;;FAIL;TTL: option "--ttl-dec" can only be used once.

*filter
:FORWARD
%4
-j TTL --ttl-set 1;;FAIL;x_tables: ip_tables: TTL target: only valid in mangle table, not filter

*mangle
:PREROUTING
%6
-j TTL --ttl-set 1;;FAIL;unknown option "--ttl-set"
