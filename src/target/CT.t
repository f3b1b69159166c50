# What iptables 1.8.9 and Linux 6.18 say, recorded.

*raw
:PREROUTING,OUTPUT
%46
-j CT --notrack;=;OK
-j CT;=;OK
-j CT --zone 0;-j CT;OK
-j CT --zone 1;=;OK
-j CT --zone 65535;=;OK
-j CT --zone 0x10;-j CT --zone 16;OK
-j CT --zone mark;=;OK
-j CT --zone MARK;-j CT --zone mark;OK
-j CT --zone-orig 5;=;OK
-j CT --zone-reply 6;=;OK
-j CT --zone-orig mark;=;OK
-j CT --zone-reply mark;=;OK
-j CT --ctevents new;=;OK
-j CT --ctevents destroy,new,mark;-j CT --ctevents new,destroy,mark;OK
-j CT --ctevents new,related,destroy,reply,assured,protoinfo,helper,mark,natseqinfo,secmark;=;OK
-j CT --expevents new;=;OK
-j CT --ctevents new --expevents new --zone 3;=;OK
-j CT --zone 3 --ctevents new,new;-j CT --ctevents new --zone 3;OK

*raw
:PREROUTING
%46
-j CT --zone 65536;;FAIL;Cannot parse 65536 as a zone ID
-j CT --zone -1;;FAIL;Cannot parse -1 as a zone ID
-j CT --zone x;;FAIL;Cannot parse x as a zone ID
-j CT --zone;;FAIL;option "--zone" requires an argument
-j CT --zone 1 --zone 2;;FAIL;CT: option "--zone" can only be used once.
-j CT --zone-orig 1 --zone-reply 2;-j CT --zone 2;OK
-j CT --zone-reply 2 --zone-orig 1;-j CT --zone 1;OK
-j CT --zone 1 --zone-orig 2;-j CT --zone-orig 2;OK
-j CT --zone mark --zone-orig 2;-j CT --zone-orig mark;OK
-j CT --zone-orig 2 --zone mark;-j CT --zone-orig mark;OK
-j CT --zone-orig 0;-j CT;OK
-j CT --notrack --zone 5;=;OK
-j CT --notrack --notrack;;FAIL;CT: option "--notrack" can only be used once.
-j CT ! --notrack;;FAIL;CT: option "--notrack" cannot be inverted.
-j CT --ctevents;;FAIL;option "--ctevents" requires an argument
-j CT --ctevents bogus;;FAIL;Unknown event type "bogus"
-j CT --ctevents new,;;FAIL;Unknown event type ""
-j CT --expevents destroy;;FAIL;Unknown event type "destroy"
-j CT --expevents new,bogus;;FAIL;Unknown event type "bogus"

*filter
:INPUT
%4
-j CT --notrack;;FAIL;x_tables: ip_tables: CT target: only valid in raw table, not filter

*mangle
:PREROUTING
%6
-j CT --zone 1;;FAIL;x_tables: ip6_tables: CT target: only valid in raw table, not mangle

*raw
:PREROUTING,OUTPUT
%46
-p tcp -j CT --helper ftp;=;OK
-p udp -j CT --helper tftp --zone 3;=;OK
-p tcp -j CT --helper sane --ctevents new;=;OK
-p udp -j CT --zone 3 --helper amanda;-p udp -j CT --helper amanda --zone 3;OK
-p udp -j CT --notrack --helper nobody;=;OK
-j CT --helper ftp;;FAIL;xt_CT: You must specify a L4 protocol and not use inversions on it
! -p tcp -j CT --helper ftp;;FAIL;xt_CT: You must specify a L4 protocol and not use inversions on it
-p udp -j CT --helper ftp;;FAIL;xt_CT: No such helper "ftp"
-p tcp -j CT --helper nobody;;FAIL;xt_CT: No such helper "nobody"
-p tcp -j CT --helper FTP;;FAIL;xt_CT: No such helper "FTP"
-p udp -j CT --helper averyverylongnameofahelper;;FAIL;xt_CT: No such helper "averyverylongna"
-j CT --timeout slow;;FAIL;xt_CT: You must specify a L4 protocol and not use inversions on it
-p tcp -j CT --timeout slow;;FAIL;No such timeout policy "slow"
-j CT --notrack --timeout slow;=;OK
-p udp -j CT --helper ftp --timeout slow;;FAIL;xt_CT: No such helper "ftp"
-p tcp -j CT --helper;;FAIL;option "--helper" requires an argument
%4
-p tcp -j CT --helper irc;=;OK
-p tcp -j CT --helper pptp;=;OK
%6
-p tcp -j CT --helper irc;;FAIL;xt_CT: No such helper "irc"
