# -m ttl: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
-m ttl --ttl-eq 0;=;OK
-m ttl --ttl-eq 255;=;OK
-m ttl ! --ttl-eq 64;=;OK
-m ttl --ttl-lt 10;=;OK
-m ttl --ttl-gt 10;=;OK
-m ttl --ttl 64;-m ttl --ttl-eq 64;OK
-m ttl ! --ttl 64;-m ttl ! --ttl-eq 64;OK
-m ttl --ttl-eq 256;;FAIL;ttl: bad value for option "--ttl-eq", or out of range (0-255).
-m ttl --ttl-gt -1;;FAIL;ttl: bad value for option "--ttl-gt", or out of range (0-255).
-m ttl --ttl 256;;FAIL;ttl: bad value for option "--ttl-eq", or out of range (0-255).
-m ttl ! --ttl-lt 10;;FAIL;ttl: option "--ttl-lt" cannot be inverted.
-m ttl --ttl-lt 1 --ttl-gt 2;;FAIL;ttl: option "--ttl-lt" cannot be used together with "--ttl-gt".
-m ttl --ttl-gt 1 --ttl-eq 2;;FAIL;ttl: option "--ttl-gt" cannot be used together with "--ttl-eq".
-m ttl --ttl-eq 1 --ttl-gt 2 --ttl-lt 3;;FAIL;ttl: option "--ttl-lt" cannot be used together with "--ttl-eq".
-m ttl --ttl-eq 1 --ttl 2;;FAIL;ttl: option "--ttl-eq" can only be used once.
-m ttl;;FAIL;TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt
%6
-m ttl --ttl-eq 64;;FAIL;Couldn't load match `ttl':No such file or directory
