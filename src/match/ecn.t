# -m ecn: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
-p tcp -m ecn --ecn-tcp-ece;=;OK
-p tcp -m ecn ! --ecn-tcp-ece;=;OK
-p tcp -m ecn --ecn-tcp-cwr --ecn-tcp-ece;-p tcp -m ecn --ecn-tcp-ece --ecn-tcp-cwr;OK
-p tcp -m ecn ! --ecn-tcp-cwr;=;OK
-m ecn --ecn-ip-ect 0;=;OK
-m ecn ! --ecn-ip-ect 3;=;OK
-m ecn --ecn-ip-ect 4;;FAIL;ecn: bad value for option "--ecn-ip-ect", or out of range (0-3).
-m ecn --ecn-ip-ect x;;FAIL;ecn: bad value for option "--ecn-ip-ect", or out of range (0-3).
-m ecn;;FAIL;ECN match: some option required
-m ecn --ecn-tcp-ece;;FAIL;xt_ecn: cannot match TCP bits for non-tcp packets
! -p tcp -m ecn --ecn-tcp-ece;;FAIL;xt_ecn: cannot match TCP bits for non-tcp packets
-p udp -m ecn --ecn-tcp-cwr;;FAIL;xt_ecn: cannot match TCP bits for non-tcp packets
-p tcp -m ecn --ecn-ip-ect 2 --ecn-tcp-cwr ! --ecn-tcp-ece;-p tcp -m ecn ! --ecn-tcp-ece --ecn-tcp-cwr --ecn-ip-ect 2;OK
-p tcp -m ecn --ecn-tcp-ece --ecn-tcp-ece;;FAIL;ecn: option "--ecn-tcp-ece" can only be used once.
%6
-p tcp -m ecn ! --ecn-tcp-ece --ecn-ip-ect 1;=;OK
