# -m hl: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
%6
-m hl --hl-eq 42;=;OK
-m hl ! --hl-eq 42;=;OK
-m hl --hl-lt 42;=;OK
-m hl --hl-gt 42;=;OK
-m hl --hl 42;-m hl --hl-eq 42;OK
-m hl --hl-eq 256;;FAIL;hl: bad value for option "--hl-eq", or out of range (0-255).
-m hl --hl-gt 42 --hl-eq 42;;FAIL;hl: option "--hl-gt" cannot be used together with "--hl-eq".
-m hl --hl-gt 1 --hl-lt 2;;FAIL;hl: option "--hl-lt" cannot be used together with "--hl-gt".
-m hl;;FAIL;HL match: You must specify one of `--hl-eq', `--hl-lt', `--hl-gt'
%4
-m hl --hl-eq 42;;FAIL;Couldn't load match `hl':No such file or directory
