# What iptables 1.8.9 and Linux 6.18 say, recorded.

*mangle
:FORWARD,OUTPUT,POSTROUTING
%46
-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu;-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --clamp-mss-to-pmtu;OK
-p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu;-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu;OK
-p tcp --tcp-flags SYN SYN -j TCPMSS --set-mss 1400;-p tcp -m tcp --tcp-flags SYN SYN -j TCPMSS --set-mss 1400;OK
-p tcp --tcp-flags ALL SYN,ACK -j TCPMSS --set-mss 0;-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG SYN,ACK -j TCPMSS --set-mss 0;OK

*mangle
:PREROUTING,INPUT
%46
-p tcp --syn -j TCPMSS --set-mss 1400;-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 1400;OK

*mangle
:PREROUTING,INPUT
%4
-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu;;FAIL;xt_TCPMSS: path-MTU clamping only supported in FORWARD, OUTPUT and POSTROUTING hooks

*mangle
:PREROUTING
%6
-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu;;FAIL;xt_TCPMSS: path-MTU clamping only supported in FORWARD, OUTPUT and POSTROUTING hooks

*mangle
:FORWARD
%46
-p tcp --syn -j TCPMSS;;FAIL;TCPMSS target: At least one parameter is required
-p tcp -j TCPMSS --set-mss 1400;;FAIL;xt_TCPMSS: Only works on TCP SYN packets
-p tcp ! --syn -j TCPMSS --set-mss 1400;;FAIL;xt_TCPMSS: Only works on TCP SYN packets
-p tcp --tcp-flags SYN,ACK ACK -j TCPMSS --set-mss 1400;;FAIL;xt_TCPMSS: Only works on TCP SYN packets
-p tcp --syn -j TCPMSS --set-mss 65495;-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 65495;OK
-p tcp --syn -j TCPMSS --set-mss 1400 --clamp-mss-to-pmtu;-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --clamp-mss-to-pmtu;OK
-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu --set-mss 1400;-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 1400;OK
-p tcp --syn -j TCPMSS ! --set-mss 1400;;FAIL;TCPMSS: option "--set-mss" cannot be inverted.

*mangle
:FORWARD
%4
-j TCPMSS --set-mss 1400;;FAIL;x_tables: ip_tables: TCPMSS target: only valid for protocol 6
-p udp -j TCPMSS --set-mss 1400;;FAIL;x_tables: ip_tables: TCPMSS target: only valid for protocol 6
! -p tcp -j TCPMSS --set-mss 1400;;FAIL;x_tables: ip_tables: TCPMSS target: only valid for protocol 6
-p tcp --syn -j TCPMSS --set-mss x;;FAIL;TCPMSS: bad value for option "--set-mss", or out of range (0-65515).
-p tcp --syn -j TCPMSS --set-mss 65516;;FAIL;TCPMSS: bad value for option "--set-mss", or out of range (0-65515).
-p tcp --syn -j TCPMSS --set-mss 65496;-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 65496;OK

*mangle
:FORWARD
%6
-j TCPMSS --set-mss 1400;;FAIL;x_tables: ip6_tables: TCPMSS target: only valid for protocol 6
-p udp -j TCPMSS --set-mss 1400;;FAIL;x_tables: ip6_tables: TCPMSS target: only valid for protocol 6
! -p tcp -j TCPMSS --set-mss 1400;;FAIL;x_tables: ip6_tables: TCPMSS target: only valid for protocol 6
-p tcp --syn -j TCPMSS --set-mss x;;FAIL;TCPMSS: bad value for option "--set-mss", or out of range (0-65495).
-p tcp --syn -j TCPMSS --set-mss 65516;;FAIL;TCPMSS: bad value for option "--set-mss", or out of range (0-65495).
-p tcp --syn -j TCPMSS --set-mss 65496;;FAIL;TCPMSS: bad value for option "--set-mss", or out of range (0-65495).

*mangle
:FORWARD
%4
-p tcp --syn -j TCPMSS --set-mss 65515;-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 65515;OK

*filter
:FORWARD
%46
-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu;-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --clamp-mss-to-pmtu;OK

*mangle
:web
%4
-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu;;FAIL;xt_TCPMSS: path-MTU clamping only supported in FORWARD, OUTPUT and POSTROUTING hooks
-p tcp --syn -j TCPMSS --set-mss 1400;-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 1400;OK
