# -m policy: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
:FORWARD
-m policy --dir in --pol ipsec;=;OK
-m policy --dir out --pol none;=;OK
-m policy --dir in;-m policy --dir in --pol ipsec;OK
-m policy --pol ipsec;;FAIL;policy match: neither --dir in nor --dir out specified
-m policy;;FAIL;policy match: neither --dir in nor --dir out specified
-m policy --dir foo;;FAIL;policy_match: invalid dir "foo"
-m policy --dir in --pol foo;;FAIL;policy match: invalid policy "foo"
-m policy --dir in --dir out;;FAIL;policy: option "--dir" can only be used once.
-m policy --dir in --pol ipsec --strict --reqid 1 --spi 0x1 --proto esp --mode tunnel --tunnel-dst 10.0.0.0/8 --tunnel-src 10.0.0.0/8 --next --reqid 2;=;OK
-m policy --dir in --pol ipsec --reqid 1 --spi 0x1 --proto esp --mode tunnel --tunnel-dst 10.0.0.0/8;=;OK
-m policy --dir in --pol ipsec --reqid 1 --proto 50;-m policy --dir in --pol ipsec --reqid 1 --proto esp;OK
-m policy --dir in --pol ipsec ! --reqid 1 ! --spi 7 ! --proto ah ! --mode transport ! --tunnel-src 1.2.3.4;-m policy --dir in --pol ipsec ! --reqid 1 ! --spi 0x7 ! --proto ah ! --mode transport ! --tunnel-src 1.2.3.4;OK
-m policy --dir in --pol ipsec --proto esp --proto tcp;;FAIL;policy match: double --proto option
-m policy --dir in --pol ipsec --reqid 1 --reqid 2;;FAIL;policy match: double --reqid option
-m policy --dir in --pol ipsec --spi 1 --spi 2;;FAIL;policy match: double --spi option
-m policy --dir in --pol ipsec --mode tunnel --mode nth;;FAIL;policy match: double --mode option
-m policy --dir in --pol ipsec --proto tcp;;FAIL;policy match: protocol must be ah/esp/ipcomp
-m policy --dir in --pol ipsec --mode foo;;FAIL;policy match: invalid mode "foo"
-m policy --dir in --pol ipsec --tunnel-src 1.2.3.4;;FAIL;policy match: --tunnel-src/--tunnel-dst is only valid in tunnel mode
-m policy --dir in --pol ipsec --mode transport --tunnel-src 1.2.3.4;;FAIL;policy match: --tunnel-src/--tunnel-dst is only valid in tunnel mode
-m policy --dir in --pol ipsec ! --mode tunnel --tunnel-src 1.2.3.4;;FAIL;policy match: --tunnel-src/--tunnel-dst is only valid in tunnel mode
-m policy --dir in --pol ipsec --strict;;FAIL;policy match: empty policy element 0. --strict is in effect, but at least one of reqid, spi, tunnel-src, tunnel-dst, proto or mode is required.
-m policy --dir in --pol ipsec --strict --reqid 1 --next;;FAIL;policy match: empty policy element 1. --strict is in effect, but at least one of reqid, spi, tunnel-src, tunnel-dst, proto or mode is required.
-m policy --dir in --pol ipsec --strict --reqid 1 --next --proto ah --next --proto ipcomp --next --mode tunnel;=;OK
-m policy --dir in --pol ipsec --strict --reqid 1 --next --proto ah --next --proto ipcomp --next --mode tunnel --next --reqid 5;;FAIL;policy match: maximum policy depth reached
-m policy --dir in --pol ipsec --reqid 1 --next --reqid 2;;FAIL;policy: option "--next" also requires "--strict".
-m policy --dir in --pol none --reqid 1;-m policy --dir in --pol none;OK
-m policy --dir in --pol none --strict;;FAIL;policy match: policy none but --strict given
-m policy --dir in --pol none --next;;FAIL;policy match: policy none but policy given
-m policy --dir in --pol ipsec --reqid x;;FAIL;policy: bad value for option "--reqid", or out of range (0-4294967295).
-m policy --dir in --pol ipsec --strict --strict;;FAIL;policy: option "--strict" can only be used once.
%6
-m policy --dir in --pol ipsec --strict --mode tunnel --tunnel-dst 2001:db8::/32 --tunnel-src 2001:db8::1;=;OK
%4
:INPUT
-m policy --dir out --pol none;;FAIL;xt_policy: output policy not valid in PREROUTING and INPUT
:OUTPUT
-m policy --dir in --pol none;;FAIL;xt_policy: input policy not valid in POSTROUTING and OUTPUT
-m policy --dir out --pol ipsec;=;OK
