# -m tcp: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
# ports
-p tcp -m tcp --sport 1;=;OK
-p tcp -m tcp --dport 65535;=;OK
-p tcp -m tcp --sport 1:1023 --dport 1024:65535;=;OK
-p tcp -m tcp --sport 1024:;-p tcp -m tcp --sport 1024:65535;OK
-p tcp -m tcp --dport :1024;-p tcp -m tcp --dport 0:1024;OK
-p tcp -m tcp --source-port http --destination-port ssh:https;-p tcp -m tcp --sport 80 --dport 22:443;OK
-p tcp -m tcp ! --sport 22 ! --dport 80:90;=;OK
# every port asks for nothing, and its ! is lost
-p tcp -m tcp --dport 0:65535;-p tcp -m tcp;OK
-p tcp -m tcp ! --dport :;-p tcp -m tcp;OK
-p tcp -m tcp --dport 0x50;-p tcp -m tcp --dport 80;OK
-p tcp -m tcp --dport 65536;;FAIL;invalid port/service `65536' specified
-p tcp -m tcp --dport -1;;FAIL;invalid port/service `-1' specified
-p tcp -m tcp --dport nosuchservice;;FAIL;invalid port/service `nosuchservice' specified
-p tcp -m tcp --dport 90:80;;FAIL;invalid portrange (min > max)
-p tcp -m tcp --dport 1:2:3;;FAIL;invalid port/service `2:3' specified
-p tcp -m tcp --sport 1 --source-port 2;;FAIL;Only one `--source-port' allowed
-p tcp -m tcp --dport 1 --dport 2;;FAIL;Only one `--destination-port' allowed
# flags
-p tcp -m tcp --syn;-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN;OK
-p tcp -m tcp ! --syn;-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN;OK
-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG SYN;=;OK
-p tcp -m tcp --tcp-flags ALL NONE;-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE;OK
-p tcp -m tcp ! --tcp-flags syn,,ack SYN;-p tcp -m tcp ! --tcp-flags SYN,ACK SYN;OK
-p tcp -m tcp --tcp-flags NONE SYN;-p tcp -m tcp;OK
-p tcp -m tcp --tcp-flags SYN,ECE SYN;;FAIL;Unknown TCP flag `ECE'
-p tcp -m tcp --syn --tcp-flags ALL SYN;;FAIL;Only one of `--syn' or `--tcp-flags'  allowed
# options
-p tcp -m tcp --tcp-option 2;=;OK
-p tcp -m tcp ! --tcp-option 255;=;OK
-p tcp -m tcp --tcp-option 0;;FAIL;Bad TCP option "0"
-p tcp -m tcp --tcp-option 256;;FAIL;Bad TCP option "256"
-p tcp -m tcp --tcp-option 2 --tcp-option 3;;FAIL;Only one `--tcp-option' allowed
# all of them, in the order in which they are saved
-p tcp -m tcp --tcp-flags SYN,ACK SYN --tcp-option 8 --dport 80 --sport 1000;-p tcp -m tcp --sport 1000 --dport 80 --tcp-option 8 --tcp-flags SYN,ACK SYN;OK
# the protocol
-p tcp -m tcp;=;OK
-p tcp --dport 22;-p tcp -m tcp --dport 22;OK
-p 6 --syn;-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN;OK
-m tcp --dport 1 -p tcp;-p tcp -m tcp --dport 1;OK
-m tcp --dport 1;;FAIL;x_tables: ip_tables: tcp match: only valid for protocol 6
-p udp -m tcp --dport 1;;FAIL;x_tables: ip_tables: tcp match: only valid for protocol 6
! -p tcp -m tcp --dport 1;;FAIL;x_tables: ip_tables: tcp match: only valid for protocol 6
%6
-p tcp -m tcp --dport 443;=;OK
-p udp -m tcp --dport 443;;FAIL;x_tables: ip6_tables: tcp match: only valid for protocol 6
