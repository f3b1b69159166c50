# -m mac: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
:INPUT,FORWARD
-m mac --mac-source 42:01:02:03:04:05;=;OK
-m mac ! --mac-source AA:bb:CC:dd:EE:ff;-m mac ! --mac-source aa:bb:cc:dd:ee:ff;OK
-m mac --mac-source 0:1:2:3:4:5;-m mac --mac-source 00:01:02:03:04:05;OK
-m mac --mac-source 42:01:02:03:04;;FAIL;Invalid MAC address specified.
-m mac --mac-source 42:01:02:03:04:05:06;;FAIL;Invalid MAC address specified.
-m mac --mac-source 42:01:02:03:04:GG;;FAIL;Invalid MAC address specified.
-m mac;;FAIL;mac: option "--mac-source" must be specified
:OUTPUT
-m mac --mac-source 42:01:02:03:04:05;;FAIL;x_tables: ip_tables: mac match: used from hooks OUTPUT, but only valid from PREROUTING/INPUT/FORWARD
*mangle
:PREROUTING
-m mac --mac-source 42:01:02:03:04:05;=;OK
:POSTROUTING
-m mac --mac-source 42:01:02:03:04:05;;FAIL;x_tables: ip_tables: mac match: used from hooks POSTROUTING, but only valid from PREROUTING/INPUT/FORWARD
*filter
:FORWARD
%6
-m mac --mac-source 42:01:02:03:04:05;=;OK
