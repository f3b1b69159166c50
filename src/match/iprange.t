# -m iprange: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
-m iprange --src-range 1.1.1.1-1.1.1.10;=;OK
-m iprange ! --dst-range 10.0.0.0-10.0.0.255;=;OK
-m iprange --dst-range 2.2.2.2-2.2.2.3 ! --src-range 1.1.1.1-1.1.1.10;-m iprange ! --src-range 1.1.1.1-1.1.1.10 --dst-range 2.2.2.2-2.2.2.3;OK
-m iprange --src-range 1.1.1.1;-m iprange --src-range 1.1.1.1-1.1.1.1;OK
-m iprange --src-range 10.1-10.2;-m iprange --src-range 10.1.0.0-10.2.0.0;OK
# reversed: taken with a warning, never matches
-m iprange --src-range 1.1.1.10-1.1.1.1;=;OK
-m iprange --src-range 1.1.1.1-;;FAIL;iprange: Bad value for "--src-range" option: ""
-m iprange --src-range 1.1.1.1-host;;FAIL;iprange: Bad value for "--src-range" option: "host"
-m iprange --src-range 1.1.1.256;;FAIL;iprange: Bad value for "--src-range" option: "1.1.1.256"
-m iprange --src-range 1.1.1.1 --src-range 1.1.1.2;;FAIL;iprange: option "--src-range" can only be used once.
-m iprange;;FAIL;iprange match: You must specify `--src-range' or `--dst-range'
%6
-m iprange --src-range 2001:db8::1-2001:db8::ff;=;OK
-m iprange --src-range 1.1.1.1-1.1.1.10;;FAIL;iprange: Bad value for "--src-range" option: "1.1.1.1"
