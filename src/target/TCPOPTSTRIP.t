# -j TCPOPTSTRIP: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
*mangle
-p tcp -j TCPOPTSTRIP --strip-options 2,3,4,5,8,19;=;OK
-p tcp -j TCPOPTSTRIP --strip-options timestamp,wscale,mss,sack,sack-permitted,md5;-p tcp -j TCPOPTSTRIP --strip-options 2,3,4,5,8,19;OK
-p tcp -j TCPOPTSTRIP --strip-options 255;=;OK
-p tcp -j TCPOPTSTRIP --strip-options 256;;FAIL;Bad TCP option value "256"
-p tcp -j TCPOPTSTRIP --strip-options 0;;FAIL;Option value may not be 0 or 1
-p tcp -j TCPOPTSTRIP --strip-options 1;;FAIL;Option value may not be 0 or 1
-p tcp -j TCPOPTSTRIP --strip-options mss,2;;FAIL;Option "2" already specified
-p tcp -j TCPOPTSTRIP --strip-options foo;;FAIL;Bad TCP option value "foo"
-p tcp -j TCPOPTSTRIP --strip-options "";;FAIL;Bad TCP option value ""
-p tcp -j TCPOPTSTRIP --strip-options 2,;;FAIL;Bad TCP option value ""
-p tcp -j TCPOPTSTRIP;=;OK
-j TCPOPTSTRIP --strip-options 2;;FAIL;x_tables: ip_tables: TCPOPTSTRIP target: only valid for protocol 6
-p udp -j TCPOPTSTRIP --strip-options 2;;FAIL;x_tables: ip_tables: TCPOPTSTRIP target: only valid for protocol 6
%6
-p tcp -j TCPOPTSTRIP --strip-options 0x8;-p tcp -j TCPOPTSTRIP --strip-options 8;OK
*filter
-p tcp -j TCPOPTSTRIP --strip-options 2;;FAIL;x_tables: ip6_tables: TCPOPTSTRIP target: only valid in mangle table, not filter
