# -m pkttype: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
-m pkttype --pkt-type unicast;=;OK
-m pkttype --pkt-type broadcast;=;OK
-m pkttype ! --pkt-type multicast;=;OK
-m pkttype --pkt-type otherhost;=;OK
-m pkttype --pkt-type host;-m pkttype --pkt-type unicast;OK
-m pkttype --pkt-type bcast;-m pkttype --pkt-type broadcast;OK
-m pkttype --pkt-type MCAST;-m pkttype --pkt-type multicast;OK
-m pkttype --pkt-type wrong;;FAIL;Bad packet type 'wrong'
-m pkttype --pkt-type unicast --pkt-type unicast;;FAIL;pkttype: option "--pkt-type" can only be used once.
-m pkttype;;FAIL;pkttype: option "--pkt-type" must be specified
%6
-m pkttype --pkt-type multicast;=;OK
