# -m state: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
-m state --state NEW;=;OK
-m state --state ESTABLISHED,RELATED;-m state --state RELATED,ESTABLISHED;OK
-m state ! --state INVALID,UNTRACKED;=;OK
-m state --state new,E,rel;-m state --state NEW,RELATED,ESTABLISHED;OK
-m state --state INVALID,NEW,RELATED,ESTABLISHED,UNTRACKED;=;OK
-m state --state SNAT;;FAIL;Bad state "SNAT"
-m state --state NEWER;;FAIL;Bad state "NEWER"
-m state --state NEW,;;FAIL;"--state" requires a list of states with no spaces, e.g. ESTABLISHED,RELATED
-m state --state ,NEW;;FAIL;Bad state ",NEW"
-m state --state NEW,,INVALID;;FAIL;Bad state ",INVALID"
-m state --state NEW --state INVALID;;FAIL;state: option "--state" can only be used once.
-m state;;FAIL;state: option "--state" must be specified
%6
-m state --state RELATED,ESTABLISHED;=;OK
