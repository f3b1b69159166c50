# -m udp: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
-p udp -m udp --sport 1;=;OK
-p udp -m udp --sport 1:1023 --dport 53;=;OK
-p udp -m udp --dport 1024:;-p udp -m udp --dport 1024:65535;OK
-p udp -m udp --dport :53;-p udp -m udp --dport 0:53;OK
-p udp -m udp ! --sport 53 ! --dport 1000:2000;=;OK
-p udp -m udp --source-port domain --destination-port ntp;-p udp -m udp --sport 53 --dport 123;OK
-p udp -m udp --dport 0:65535;-p udp -m udp;OK
# a reversed range is taken, and never matches
-p udp -m udp --dport 90:80;=;OK
# getaddrinfo reads decimal and cuts to 16 bits
-p udp -m udp --dport 65589;-p udp -m udp --dport 53;OK
-p udp -m udp --dport 0x35;;FAIL;Port "0x35" does not resolve to anything.
-p udp -m udp --dport nosuchservice;;FAIL;Port "nosuchservice" does not resolve to anything.
-p udp -m udp --sport 1:2:3;;FAIL;udp: Too many components for option "--source-port" (max: 2)
-p udp -m udp --sport 1 --source-port 2;;FAIL;udp: option "--source-port" can only be used once.
-p udp -m udp;=;OK
-p udp --dport 53;-p udp -m udp --dport 53;OK
-p 17 --dport 53;-p udp -m udp --dport 53;OK
-m udp --dport 53;;FAIL;x_tables: ip_tables: udp match: only valid for protocol 17
-p udplite -m udp --dport 53;;FAIL;x_tables: ip_tables: udp match: only valid for protocol 17
%6
-p udp -m udp --dport 546;=;OK
