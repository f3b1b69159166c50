# -m length: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
-m length --length 1;=;OK
-m length --length 0:1500;=;OK
-m length ! --length 41:;-m length ! --length 41:65535;OK
-m length --length :40;-m length --length 0:40;OK
-m length --length :;-m length --length 0:65535;OK
-m length --length 20:10;=;OK
-m length --length 65535;=;OK
-m length --length 65536;;FAIL;length: bad value for option "--length" near "65536", or out of range (0-65535).
-m length --length 1:2:3;;FAIL;length: Too many components for option "--length" (max: 2)
-m length --length 1x;;FAIL;length: Argument to "--length" has unexpected characters near "x".
-m length --length 1 --length 2;;FAIL;length: option "--length" can only be used once.
-m length;;FAIL;length: option "--length" must be specified
%6
-m length --length 40;=;OK
