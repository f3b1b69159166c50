# -m helper: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
-m helper --helper ftp;=;OK
-m helper ! --helper ftp;=;OK
-m helper --helper "";=;OK
-m helper --helper "a b";=;OK
-m helper --helper ftp-2121;=;OK
-m helper --helper averyveryverylongnameofahelperthatiscut;-m helper --helper averyveryverylongnameofahelpe;OK
-m helper;;FAIL;helper: option "--helper" must be specified
%6
-m helper --helper ftp;=;OK
