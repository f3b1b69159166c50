# -m tcpmss: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
-p tcp -m tcpmss --mss 1400;=;OK
-p tcp -m tcpmss --mss 1400:1500;=;OK
-p tcp -m tcpmss ! --mss 0:65535;=;OK
-p tcp -m tcpmss --mss 1400:;-p tcp -m tcpmss --mss 1400:65535;OK
-p tcp -m tcpmss --mss :1400;-p tcp -m tcpmss --mss 0:1400;OK
-p tcp -m tcpmss --mss 1500:1400;;FAIL;tcpmss: invalid range given
-p tcp -m tcpmss --mss 65536;;FAIL;tcpmss: bad value for option "--mss" near "65536", or out of range (0-65535).
-p tcp -m tcpmss --mss x;;FAIL;tcpmss: bad value for option "--mss" near "x", or out of range (0-65535).
-p tcp -m tcpmss;;FAIL;tcpmss: option "--mss" must be specified
-p tcp -m tcp --tcp-flags SYN,RST SYN -m tcpmss --mss 1:500;=;OK
-m tcpmss --mss 5;;FAIL;x_tables: ip_tables: tcpmss match: only valid for protocol 6
-p udp -m tcpmss --mss 5;;FAIL;x_tables: ip_tables: tcpmss match: only valid for protocol 6
%6
-p tcp -m tcpmss ! --mss 42;=;OK
