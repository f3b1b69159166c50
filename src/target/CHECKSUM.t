# -j CHECKSUM: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
*mangle
:POSTROUTING
-j CHECKSUM --checksum-fill;=;OK
-p udp -m udp --dport 68 -j CHECKSUM --checksum-fill;=;OK
-j CHECKSUM;;FAIL;CHECKSUM: option "--checksum-fill" must be specified
-j CHECKSUM ! --checksum-fill;;FAIL;CHECKSUM: option "--checksum-fill" cannot be inverted.
-j CHECKSUM --checksum-fill --checksum-fill;;FAIL;CHECKSUM: option "--checksum-fill" can only be used once.
%6
-j CHECKSUM --checksum-fill;=;OK
*filter
:OUTPUT
-j CHECKSUM --checksum-fill;;FAIL;x_tables: ip6_tables: CHECKSUM target: only valid in mangle table, not filter
