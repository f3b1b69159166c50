# -j AUDIT: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
-j AUDIT --type accept;=;OK
-j AUDIT --type drop;=;OK
-j AUDIT --type reject;=;OK
-j AUDIT --type ACCEPT;-j AUDIT --type accept;OK
-j AUDIT --type foo;;FAIL;Bad action type value "foo"
-j AUDIT;;FAIL;AUDIT: option "--type" must be specified
-j AUDIT --type accept --type drop;;FAIL;AUDIT: option "--type" can only be used once.
%6
-j AUDIT --type accept;=;OK
