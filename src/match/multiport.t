# -m multiport: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
-p tcp -m multiport --dports 22,80,443;=;OK
-p tcp -m multiport --sports 53,1024:65535;=;OK
-p udp -m multiport --ports 53,5353;=;OK
-p sctp -m multiport --dports 80;=;OK
-p dccp -m multiport ! --dports 80;=;OK
-p udplite -m multiport --source-ports 1:2;-p udplite -m multiport --sports 1:2;OK
-p tcp -m multiport ! --destination-ports http,ssh;-p tcp -m multiport ! --dports 80,22;OK
-p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15;=;OK
-p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16;;FAIL;too many ports specified
# a range counts two
-p tcp -m multiport --dports 1:2,3:4,5:6,7:8,9:10,11:12,13:14,15;=;OK
-p tcp -m multiport --dports 1:2,3:4,5:6,7:8,9:10,11:12,13:14,15:16;;FAIL;too many ports specified
-p tcp -m multiport --dports 5:5;;FAIL;invalid portrange specified
-p tcp -m multiport --dports 9:5;;FAIL;invalid portrange specified
-p tcp -m multiport --dports 1024:65536;;FAIL;invalid port/service `65536' specified
-p tcp -m multiport --dports 80,;;FAIL;invalid port/service `' specified
-p tcp -m multiport --dports 1 --sports 2;;FAIL;multiport: option "--source-ports" cannot be used together with "--destination-ports".
-p tcp -m multiport --dports 1 --dports 2;;FAIL;multiport: option "--destination-ports" can only be used once.
-p tcp -m multiport;;FAIL;multiport expection an option
-m multiport --dports 80;;FAIL;multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'
-p all -m multiport --dports 80;;FAIL;multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'
-p icmp -m multiport --dports 80;;FAIL;multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP
! -p tcp -m multiport --dports 80;;FAIL;multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP
-m multiport --dports 80 -p tcp;;FAIL;multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'
%6
-p tcp -m multiport --dports 22,80;=;OK
