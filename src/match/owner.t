# -m owner: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
:OUTPUT
-m owner --uid-owner root;-m owner --uid-owner 0;OK
-m owner --uid-owner 0-10;=;OK
-m owner ! --uid-owner 0-10;=;OK
-m owner --uid-owner 5:9;-m owner --uid-owner 5-9;OK
-m owner --uid-owner 5-;;FAIL;owner: Bad value for "--uid-owner" option: "5-"
-m owner --uid-owner 9-5;;FAIL;Invalid argument: 9-5 ends before it begins
-m owner --uid-owner 4294967294;=;OK
-m owner --uid-owner 4294967295;;FAIL;owner: Bad value for "--uid-owner" option: "4294967295"
-m owner --uid-owner 010;-m owner --uid-owner 8;OK
-m owner --uid-owner 1x;;FAIL;owner: Bad value for "--uid-owner" option: "1x"
-m owner --gid-owner root;-m owner --gid-owner 0;OK
-m owner --gid-owner 0-10;=;OK
-m owner ! --gid-owner 0-10;=;OK
-m owner --gid-owner 9-5;;FAIL;Invalid argument: 9-5 ends before it begins
-m owner --socket-exists;=;OK
-m owner ! --socket-exists;=;OK
-m owner --gid-owner 0-10 --suppl-groups;=;OK
-m owner --gid-owner root --suppl-groups;-m owner --gid-owner 0 --suppl-groups;OK
-m owner --suppl-groups --gid-owner 0-10;;FAIL;owner: Bad value for "--suppl-groups" option: "you need to use --gid-owner first"
-m owner --suppl-groups;;FAIL;owner: Bad value for "--suppl-groups" option: "you need to use --gid-owner first"
-m owner;;FAIL;owner: At least one of --uid-owner, --gid-owner or --socket-exists is required
-m owner --socket-exists --gid-owner 7 --uid-owner 8;-m owner --socket-exists --uid-owner 8 --gid-owner 7;OK
-m owner --uid-owner 1 --uid-owner 2;;FAIL;owner: option "--uid-owner" can only be used once.
%6
-m owner --uid-owner 1000;=;OK
:INPUT
-m owner --uid-owner 0;;FAIL;x_tables: ip6_tables: owner match: used from hooks INPUT, but only valid from OUTPUT/POSTROUTING
