# What every rule can say, without extensions.
:FORWARD
;=;OK
-j ACCEPT;=;OK
--jump DROP;-j DROP;OK
-s 192.0.2.1;-s 192.0.2.1/32;OK
-s 192.0.2.1/24 -d 198.51.100.7/255.255.0.0;-s 192.0.2.0/24 -d 198.51.0.0/16;OK
--source 192.0.2.1 --destination 192.0.2.2;-s 192.0.2.1/32 -d 192.0.2.2/32;OK
--src 192.0.2.1 --dst 192.0.2.2;-s 192.0.2.1/32 -d 192.0.2.2/32;OK
-s 192.0.2.9/255.0.255.0;-s 192.0.2.0/255.0.255.0;OK
-s 0.0.0.0/0 -d 0/0;;OK
! -s 0.0.0.0/0;=;OK
! -s 192.0.2.1 ! -d 10/8;! -s 192.0.2.1/32 ! -d 10.0.0.0/8;OK
-s 10.1/16;-s 10.1.0.0/16;OK
-s 10;-s 10.0.0.0/32;OK
-s 0x7f.0.0.010;-s 127.0.0.8/32;OK
-s any/0;;OK
-s loopback/8;-s 127.0.0.0/8;OK
-s localhost;-s 127.0.0.1/32;OK
-s 192.0.2.1/33;;FAIL;invalid mask `33' specified
-s 192.0.2.1/;;FAIL;invalid mask `' specified
-s 256.1.1.1;;FAIL;host/network `256.1.1.1' not found
-s ::ffff:192.0.2.1;-s 192.0.2.1/32;OK
-s gateway.example;;FAIL;host/network `gateway.example' not found (host names are not looked up)
! -s 192.0.2.1,192.0.2.2;;FAIL;! not allowed with multiple source or destination IP addresses
-s192.0.2.1;;FAIL;host/network `-s192.0.2.1' not found
-s 192.0.2.1 -s 192.0.2.2;;FAIL;multiple -s flags not allowed
-s ! 192.0.2.1;;FAIL;Bad argument `192.0.2.1'
-s;;FAIL;option "-s" requires an argument
! ! -s 192.0.2.1;;FAIL;multiple consecutive ! not allowed
-j ACCEPT !;;FAIL;nothing appropriate following !
-i eth0 -o eth1;=;OK
-i eth+ ! -o wlan0+;=;OK
--in-interface eth0 --out-interface eth1;-i eth0 -o eth1;OK
-i +;;OK
-i "eth 0";-i eth 0;OK
-i averylongname12;=;OK
-i averylongname123;;FAIL;interface name `averylongname123' must be shorter than IFNAMSIZ (15)
-i "";;FAIL;Empty interface is likely to be undesired
-p tcp;=;OK
-p TCP;-p tcp;OK
-p 6;-p tcp;OK
-p 0x11;-p udp;OK
-p 47;-p gre;OK
-p 254;=;OK
-p all;;OK
-p ip;;OK
! -p udp;=;OK
--protocol icmp;-p icmp;OK
--proto ospf;-p ospf;OK
! -p all;;FAIL;rule would never match protocol
-p 256;;FAIL;unknown protocol "256" specified
-p foo;;FAIL;unknown protocol "foo" specified
-ptcp;;FAIL;unknown protocol "-ptcp" specified
-f;=;OK
! -f;=;OK
--fragments;-f;OK
-s 192.0.2.1 -p tcp -o b -i a -d 192.0.2.2 -j ACCEPT;-s 192.0.2.1/32 -d 192.0.2.2/32 -i a -o b -p tcp -j ACCEPT;OK
-j RETURN -s 192.0.2.1;-s 192.0.2.1/32 -j RETURN;OK
-c 5 6;;OK
-c 5,6;;OK
-c 5;;FAIL;-c requires packet and byte counter
-c x 6;;FAIL;-c packet counter not numeric
-v;;OK
-n;;FAIL;Illegal option `-n' with this command
-x;;FAIL;Illegal option `-x' with this command
--line-numbers;;FAIL;Illegal option `-0' with this command
-t nat;;FAIL;The -t option cannot be used in iptables-restore.
-w;;FAIL;You cannot use `-w' from iptables-restore
-4;;OK
--;;OK
-- foo;;FAIL;unknown arguments found on commandline
foo;;FAIL;Bad argument `foo'
-;;FAIL;Bad argument `-'
-Q;;FAIL;unknown option "-Q"
--dport 80;;FAIL;unknown option "--dport"
--fragments=1;;FAIL;unknown option "--fragments=1"
--d;;FAIL;unknown option "--d"
-A INPUT;;FAIL;Cannot use -A with -A
-F;;FAIL;Cannot use -F with -A
! -j ACCEPT;;FAIL;cannot have ! before -j
! -m comment --comment x;;FAIL;unexpected ! flag before --match
-j "";;FAIL;Invalid target name (too short)
-j FOO;;FAIL;Couldn't load target `FOO':No such file or directory
-j abcdefghijklmnopqrstuvwxyzabc;;FAIL;Invalid target name `abcdefghijklmnopqrstuvwxyzabc' (28 chars max)
-j "a b";;FAIL;Invalid target name `a b'
-g FOO;;FAIL;goto 'FOO' is not a chain
-g ACCEPT;;FAIL;goto 'ACCEPT' is not a chain
-j INPUT;;FAIL;Invalid argument: no rule can jump to the base chain INPUT
-m foo;;FAIL;Couldn't load match `foo':No such file or directory
-m ipvs --ipvs;;FAIL;match "ipvs" is not evaluated by this version
-j CLUSTERIP;;FAIL;target "CLUSTERIP" is not evaluated by this version
-p tcp --dport 80;-p tcp -m tcp --dport 80;OK
-p 6 --dport 80 -m comment --comment x;-p tcp -m tcp --dport 80 -m comment --comment x;OK
-p tcp -m comment --comment --dport --dport=80;-p tcp -m comment --comment --dport -m tcp --dport 80;OK
-p tcp -m tcp -m tcp --dport 80;=;OK
-p tcp -m tcp --dport 80 -m tcp --sport 90;=;OK
-m comment --comment one -m comment --comment two;=;OK
-m comment --comm one;-m comment --comment one;OK
-p tcp --dp 80;-p tcp -m tcp --dport 80;OK
-p gre --dport 80;;FAIL;unknown option "--dport"
-m comment --comment "a b"c;;FAIL;Bad argument `c'
-m comment --comment a"b c";-m comment --comment "ab c";OK
-m comment --comment "a \"b\" \\";=;OK
-m comment --comment it's;-m comment --comment "it\'s";OK
-m comment --comment '';-m comment --comment "\'\'";OK
-m comment --comment "";=;OK
-m comment --comment straße;-m comment --comment "straße";OK
:INPUT
-o eth0;;FAIL;Can't use -o with INPUT
*mangle
:PREROUTING
-o eth0;;FAIL;Can't use -o with PREROUTING
:POSTROUTING
-i eth0;;FAIL;Can't use -i with POSTROUTING
:mine
-i eth0 -o eth1 -j ACCEPT;=;OK
-j mine;;FAIL;Too many levels of symbolic links: chains jump in a loop (mine, mine)
*nat
:PREROUTING
-j DROP;;FAIL;The "nat" table is not intended for filtering, the use of DROP is therefore inhibited.
%6
*filter
:FORWARD
-s 2001:db8::1;-s 2001:db8::1/128;OK
-s 2001:DB8:0:0::1/32 ! -d fe80::/10;-s 2001:db8::/32 ! -d fe80::/10;OK
-s ::/0;;OK
! -s ::/0;=;OK
-s 2001:db8::1/ffff:0:ffff::;-s 2001::/ffff:0:ffff::;OK
-s ::ffff:192.0.2.1;-s ::ffff:192.0.2.1/128;OK
-s 192.0.2.1;;FAIL;host/network `192.0.2.1' not found
-s ::1/129;;FAIL;invalid mask `129' specified
-p icmpv6;-p ipv6-icmp;OK
-p ipv6-icmp --icmpv6-type 128;-p ipv6-icmp -m icmp6 --icmpv6-type 128;OK
-m icmpv6 -p icmpv6 --icmpv6-type 128;-p ipv6-icmp -m icmp6 --icmpv6-type 128;OK
-f;;FAIL;`-f' is not supported in IPv6, use -m frag instead
--fragments;;FAIL;unknown option "--fragments"
-6;;OK
-t nat;;FAIL;The -t option cannot be used in ip6tables-restore.
-m icmp --icmp-type 8;;FAIL;Couldn't load match `icmp':No such file or directory
%46
-p tcp --dpo;;FAIL;option "--dpo" requires an argument
-p tcp -m tcp --dpo;;FAIL;unknown option "--dpo"
-p udp -m tcp --dpo;;FAIL;unknown option "--dpo"
-p gre -m tcp --dpo;;FAIL;option "--dpo" requires an argument
-p tcp -m tcp --dport;;FAIL;option "--dport" requires an argument
-p tcp --sourc;;FAIL;unknown option "--sourc"
-p tcp -m multiport --dpor;;FAIL;unknown option "--dpor"
-p tcp --dport 5 -m tcp --sp;;FAIL;option "--sp" requires an argument
-p ah -m ah --ah;;FAIL;unknown option "--ah"
