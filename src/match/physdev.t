# -m physdev: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
:FORWARD
-m physdev --physdev-in eth0;=;OK
-m physdev ! --physdev-out eth+;=;OK
-m physdev --physdev-is-in;=;OK
-m physdev --physdev-is-out;=;OK
-m physdev ! --physdev-is-bridged;=;OK
-m physdev --physdev-is-bridged --physdev-out eth1 --physdev-is-out --physdev-in eth0 --physdev-is-in;-m physdev --physdev-is-in --physdev-in eth0 --physdev-is-out --physdev-out eth1 --physdev-is-bridged;OK
-m physdev --physdev-in averylongname12;=;OK
-m physdev --physdev-in averylongname123;;FAIL;interface name `averylongname123' must be shorter than IFNAMSIZ (15)
-m physdev;;FAIL;PHYSDEV: no physdev option specified
-m physdev --physdev-in a --physdev-in b;;FAIL;physdev: option "--physdev-in" can only be used once.
:OUTPUT
-m physdev --physdev-out eth0;;FAIL;xt_physdev: --physdev-out and --physdev-is-out only supported in the FORWARD and POSTROUTING chains with bridged traffic
-m physdev --physdev-is-out;;FAIL;xt_physdev: --physdev-out and --physdev-is-out only supported in the FORWARD and POSTROUTING chains with bridged traffic
-m physdev --physdev-out eth0 ! --physdev-is-bridged;;FAIL;xt_physdev: --physdev-out and --physdev-is-out only supported in the FORWARD and POSTROUTING chains with bridged traffic
-m physdev --physdev-out eth0 --physdev-is-bridged;=;OK
-m physdev ! --physdev-out eth0;;FAIL;xt_physdev: --physdev-out and --physdev-is-out only supported in the FORWARD and POSTROUTING chains with bridged traffic
-m physdev --physdev-in eth0;=;OK
%6
:FORWARD
-m physdev --physdev-is-bridged;=;OK
