# -m rpfilter: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
*raw
:PREROUTING
-m rpfilter;=;OK
-m rpfilter --loose;=;OK
-m rpfilter --validmark;=;OK
-m rpfilter --accept-local;=;OK
-m rpfilter --invert;=;OK
-m rpfilter --invert --accept-local --validmark --loose;-m rpfilter --loose --validmark --accept-local --invert;OK
-m rpfilter ! --loose;;FAIL;rpfilter: option "--loose" cannot be inverted.
-m rpfilter --loose --loose;;FAIL;rpfilter: option "--loose" can only be used once.
%6
-m rpfilter --invert;=;OK
%4
*mangle
:PREROUTING
-m rpfilter --validmark;=;OK
:INPUT
-m rpfilter;;FAIL;x_tables: ip_tables: rpfilter match: used from hooks INPUT, but only valid from PREROUTING
*nat
:PREROUTING
-m rpfilter;;FAIL;ipt_rpfilter: only valid in 'raw' or 'mangle' table, not 'nat'
%6
-m rpfilter;;FAIL;ip6t_rpfilter: only valid in 'raw' or 'mangle' table, not 'nat'
