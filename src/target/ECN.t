# -j ECN: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
*mangle
-p tcp -j ECN --ecn-tcp-remove;=;OK
-p tcp -j ECN --ecn-tcp-cwr 1;=;OK
-p tcp -j ECN --ecn-tcp-ece 0;=;OK
-p tcp -j ECN --ecn-tcp-cwr 0 --ecn-tcp-ece 0;-p tcp -j ECN --ecn-tcp-remove;OK
-p tcp -j ECN --ecn-tcp-cwr 1 --ecn-tcp-ece 0 --ecn-ip-ect 2;-p tcp -j ECN --ecn-tcp-ece 0 --ecn-tcp-cwr 1 --ecn-ip-ect 2;OK
-j ECN --ecn-ip-ect 3;=;OK
-j ECN --ecn-ip-ect 4;;FAIL;ECN: bad value for option "--ecn-ip-ect", or out of range (0-3).
-p tcp -j ECN --ecn-tcp-cwr 2;;FAIL;ECN: bad value for option "--ecn-tcp-cwr", or out of range (0-1).
-p tcp -j ECN --ecn-tcp-remove --ecn-ip-ect 1;-p tcp -j ECN --ecn-tcp-ece 0 --ecn-tcp-cwr 0 --ecn-ip-ect 1;OK
-p tcp -j ECN --ecn-ip-ect 1 --ecn-tcp-remove;-p tcp -j ECN --ecn-tcp-remove;OK
-p tcp -j ECN --ecn-tcp-remove --ecn-tcp-cwr 1;;FAIL;ECN: option "--ecn-tcp-remove" cannot be used together with "--ecn-tcp-cwr".
-j ECN --ecn-tcp-remove;;FAIL;ipt_ECN: cannot use operation on non-tcp rule
! -p tcp -j ECN --ecn-tcp-remove;;FAIL;ipt_ECN: cannot use operation on non-tcp rule
-p udp -j ECN --ecn-tcp-ece 1;;FAIL;ipt_ECN: cannot use operation on non-tcp rule
-j ECN;;FAIL;ECN target: An operation is required
*filter
-p tcp -j ECN --ecn-tcp-remove;;FAIL;x_tables: ip_tables: ECN target: only valid in mangle table, not filter
